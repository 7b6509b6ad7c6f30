"""Ensembles: means of outputs or of probabilities, by NumPy and in both modes of differentiation."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from ddtrain import check_grads, nn, ops
from ddtrain.errors import ShapeError, UsageError

RNG = np.random.default_rng(0)


class Constant(nn.Module):
    """Answers what it was made with, whatever it is asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def forward(self, *_: Any) -> Any:
        return self.answer


def answer(*answers: Any, combine: Any) -> Any:
    return nn.Ensemble(*map(Constant, answers), combine=combine).bind({})(0)


def softmax(logits: Any) -> Any:
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("combine", ["outputs", "probabilities"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_member_answers_as_by_itself(combine: Any, dtype: Any) -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    values, x = model.init(0, dtype), RNG.standard_normal((7, 5)).astype(dtype)
    ensemble = nn.Ensemble(model, combine=combine)
    found = ensemble.bind({f"0.{name}": value for name, value in values.items()})(x)
    assert found.tobytes() == model.bind(values)(x).tobytes()
    assert found.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4, 5), (3, 2, 5), (5,), (0, 5)])
@pytest.mark.parametrize("members", [2, 3])
def test_means_against_numpy(members: int, shape: tuple[int, ...], dtype: Any) -> None:
    logits = [RNG.standard_normal(shape).astype(dtype) for _ in range(members)]
    rtol = 1e-12 if dtype is np.float64 else 1e-5  # a few roundings of numbers of size 1
    outputs, log_p = (answer(*logits, combine=how) for how in ("outputs", "probabilities"))
    assert outputs.dtype == log_p.dtype == dtype
    np.testing.assert_allclose(outputs, np.mean(logits, axis=0), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(np.exp(log_p), np.mean([softmax(x) for x in logits], axis=0), rtol=rtol)


def test_probabilities_that_underflow_keep_their_logarithm() -> None:
    """exp(-1000) is 0, but the mean of two such probabilities has a logarithm: what is far off is added exactly."""
    sure, other = np.array([[0.0, -1000.0]]), np.array([[0.0, -1001.0]])
    expected = -1000 + np.log1p(np.exp(-1.0)) - np.log(2)
    assert answer(sure, other, combine="probabilities")[0, 1] == pytest.approx(expected, rel=1e-14)


def test_what_no_member_thinks_possible_is_impossible() -> None:
    never = np.array([[0.0, -np.inf, 1.0]])
    found = answer(never, never, combine="probabilities")
    np.testing.assert_array_equal(np.isneginf(found), [[False, True, False]])
    np.testing.assert_allclose(np.exp(found), softmax(never), rtol=1e-14)


def test_shifted_logits_are_the_same_probabilities_but_other_outputs() -> None:
    """The mutation that must not pass: a mean of logits, or of their logarithms, in place of probabilities'."""
    a, b = RNG.standard_normal((2, 6, 4))
    found = answer(a, b, combine="probabilities")
    np.testing.assert_allclose(answer(a + 7.0, b, combine="probabilities"), found, rtol=1e-12)
    assert np.abs(answer(a, b, combine="outputs") - found).max() > 0.1
    geometric = (np.log(softmax(a)) + np.log(softmax(b))) / 2
    assert np.abs(geometric - found).max() > 1e-2


@pytest.mark.parametrize("seed", range(20))
def test_jensen(seed: int) -> None:
    """The ensemble's loss is at most the mean of its members', sample by sample, whatever they say."""
    rng = np.random.default_rng(seed)
    logits, labels = 5 * rng.standard_normal((3, 8, 4)), rng.integers(0, 4, 8)
    together = ops.cross_entropy(answer(*logits, combine="probabilities"), labels)
    apart = np.mean([ops.cross_entropy(x, labels) for x in logits], axis=0)
    assert (together <= apart + 1e-12).all()
    target = rng.standard_normal((8, 4))
    squares = [ops.squared_error(x, target) for x in (answer(*logits, combine="outputs"), *logits)]
    assert (squares[0] <= np.mean(squares[1:], axis=0) + 1e-12).all()


@pytest.mark.parametrize("combine", ["outputs", "probabilities"])
def test_derivatives(combine: Any) -> None:
    """Of all members' values, in both modes and to second order."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    ensemble = nn.Ensemble(model, deepcopy(model), combine=combine)
    values, x = ensemble.init(0, np.float64), RNG.standard_normal((5, 3))
    assert list(values)[:2] == ["0.0.weight", "0.0.bias"]
    assert not np.array_equal(values["0.0.weight"], values["1.0.weight"]), "they begin with values of their own"
    labels = np.array([0, 1, 2, 0, 1])
    check_grads(lambda values: ops.cross_entropy(ensemble.bind(values, training=True)(x), labels).sum())(values)


def test_all_arguments_reach_all_members() -> None:
    class Scaled(nn.Module):
        def forward(self, x: Any, by: float, plus: float = 0.0) -> Any:
            return x * by + plus

    assert nn.Ensemble(Scaled(), Scaled()).bind({})(np.ones(2), 3.0, plus=1.0).tolist() == [4.0, 4.0]


def test_misfits_are_refused() -> None:
    with pytest.raises(UsageError, match="Ensemble: no models"):
        nn.Ensemble()
    with pytest.raises(UsageError, match="Ensemble: combine is 'vote'"):
        nn.Ensemble(nn.Identity(), combine="vote")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="Ensemble: argument 1 is a list, not a module"):
        nn.Ensemble(nn.Identity(), [nn.Identity()])  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"Ensemble: the members' answers are \(2, 3\), \(2, 4\), which have no mean"):
        answer(np.ones((2, 3)), np.ones((2, 4)), combine="outputs")
    with pytest.raises(ShapeError, match=r"Ensemble: the members' answers are \(2, 3\), tuple, which have no mean"):
        answer(np.ones((2, 3)), (1, 2), combine="outputs")
