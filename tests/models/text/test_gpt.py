"""The transformer: no position sees those after it, order matters, and gradients reach what they should."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import grad, models, ops
from ddtrain.errors import ShapeError, UsageError

TOKENS = np.arange(12).reshape(2, 6) % 11


def gpt(**options: int) -> models.Gpt:
    return models.Gpt(11, positions=6, d=8, layers=2, heads=2, **options)


@pytest.mark.parametrize("place", range(6))
def test_a_token_changes_its_own_and_later_predictions_alone(place: int) -> None:
    model = gpt()
    bound, changed = model.bind(model.init(0, np.float64)), TOKENS.copy()
    changed[:, place] = (changed[:, place] + 1) % 11
    before, after = bound(TOKENS), bound(changed)
    np.testing.assert_array_equal(before[:, :place], after[:, :place])
    assert (np.abs(before - after)[:, place:] > 0).any(axis=-1).all()


def test_the_order_of_the_tokens_before_matters() -> None:
    model = gpt()
    bound = model.bind(model.init(0, np.float64))
    assert not np.allclose(bound(TOKENS)[:, -1], bound(TOKENS[:, [1, 0, 2, 3, 4, 5]])[:, -1])


@pytest.mark.parametrize(("rows", "length"), [(0, 6), (1, 1), (3, 4)])
def test_shorter_sequences_and_batches_of_any_size(rows: int, length: int) -> None:
    model = gpt()
    logits = model.bind(model.init(0))(np.zeros((rows, length), int))
    assert logits.shape == (rows, length, 11)


def test_a_sequence_that_is_too_long_is_refused() -> None:
    model = gpt()
    with pytest.raises(ShapeError, match=r"index 6 at position 6 is outside \[0, 6\)"):
        model.bind(model.init(0))(np.zeros((1, 7), int))


def test_positions_that_were_not_there_learn_nothing() -> None:
    model = gpt()
    loss = lambda v: ops.cross_entropy(model.bind(v)(TOKENS[:, :4]), TOKENS[:, 1:5]).sum()
    g = grad(loss)(model.init(0, np.float64))
    assert [bool(row.any()) for row in g["positions.weight"]] == [True] * 4 + [False] * 2
    assert all(x.any() for name, x in g.items() if name != "positions.weight")


def test_its_size() -> None:
    """Per block 12 d^2 weights, 13 d of biases and norms; embeddings, the last norm, and a head without bias."""
    d, trained = 8, sum(np.prod(x.shape) for x in gpt().declarations().values())
    assert trained == (11 + 6) * d + 2 * (12 * d * d + 13 * d) + 2 * d + 11 * d


def test_heads_divide_the_width() -> None:
    with pytest.raises(UsageError, match="CausalSelfAttention: 3 heads do not divide width 8"):
        models.Gpt(11, positions=6, d=8, heads=3)
