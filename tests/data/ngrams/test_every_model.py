"""What holds of every n-gram model: probabilities that add up to one in every context, and figures that agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from ddtrain.data import Additive, Interpolated, KneserNey
from ddtrain.data.ngrams import NgramModel
from ddtrain.errors import ShapeError

Make = Callable[..., NgramModel]
MODELS: dict[str, Make] = {
    "additive": Additive,
    "additive 0.01": lambda *args: Additive(*args, alpha=0.01),
    "interpolated": Interpolated,
    "kneser_ney": KneserNey,
    "kneser_ney 1": lambda *args: KneserNey(*args, discount=1.0),
}
V = 5  # of which 4 never occurs
TEXTS = [np.random.default_rng(k).choice(4, 60, p=[0.5, 0.3, 0.15, 0.05]) for k in range(3)]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", MODELS)
def test_in_every_context_probabilities_add_up_to_one(name: str, order: int) -> None:
    model = MODELS[name](TEXTS, V, order)
    for length in range(order + 1):
        contexts = np.array([*itertools.product(range(V), repeat=length)], np.int64).reshape(V**length, length)
        totals = sum(model.probability(contexts, np.full(len(contexts), w)) for w in range(V))
        np.testing.assert_allclose(totals, 1.0, rtol=1e-12, err_msg=f"contexts of {length}")


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "kneser_ney 1"])
def test_nothing_is_impossible(name: str, order: int) -> None:
    model = MODELS[name](TEXTS, V, order)
    contexts = np.array([*itertools.product(range(V), repeat=order - 1)], np.int64).reshape(V ** (order - 1), order - 1)
    for w in range(V):
        assert (model.probability(contexts, np.full(len(contexts), w)) > 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_tokens_before_the_order_change_nothing(name: str) -> None:
    model = MODELS[name](TEXTS, V, 3)
    tokens = np.array([0, 3])
    np.testing.assert_array_equal(
        model.probability(np.array([[4, 1, 0], [3, 2, 0]]), tokens),
        model.probability(np.array([[1, 0], [2, 0]]), tokens),
    )


@pytest.mark.parametrize("name", MODELS)
def test_figures_are_those_of_the_probabilities(name: str) -> None:
    model = MODELS[name](TEXTS, V, 2)
    contexts, tokens = np.array([[0], [1], [2]]), np.array([0, 0, 1])
    nats = -np.log(model.probability(contexts, tokens)).mean()
    assert model.cross_entropy(contexts, tokens) == pytest.approx(nats, rel=1e-14)
    assert model.perplexity(contexts, tokens) == pytest.approx(np.exp(nats), rel=1e-14)
    assert model.bits(contexts, tokens) == pytest.approx(nats / np.log(2), rel=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_without_texts_all_tokens_are_alike(name: str) -> None:
    model = MODELS[name]([np.empty(0, np.int64)], V, 2)
    np.testing.assert_allclose(model.probability(np.array([[1]]), np.array([2])), [1 / V])


@pytest.mark.parametrize("name", MODELS)
def test_contexts_and_tokens_of_other_numbers_are_refused(name: str) -> None:
    model = MODELS[name](TEXTS, V, 2)
    with pytest.raises(ShapeError, match=r"contexts \(2, 1\) and tokens \(3,\) are not \(N, T\) and \(N,\)"):
        model.probability(np.zeros((2, 1), np.int64), np.zeros(3, np.int64))
