"""What is written down, what is refused and by which line, and how two recordings are told apart."""

from __future__ import annotations

import re
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import grad, ops
from ddtrain.autodiff import hvp, make_vjp, value_of
from ddtrain.autodiff.core.checks import checked
from ddtrain.plan import Program, Recorder, difference, python_function
from ddtrain.plan.program import PlanError

X = onp.array([1.0, -2.0, 3.0])


def record(function: Any, *xs: Any) -> Program:
    recorder = Recorder()
    return recorder.finish(function(*[recorder.input(x, f"x{i}") for i, x in enumerate(xs)]))


@pytest.mark.parametrize("nested", [False, True])
def test_a_fused_operation_is_its_kernels_under_a_plain_gradient(nested: bool) -> None:
    slope = grad(lambda x: np.sum(ops.gelu(x)))
    program = record(lambda x: [grad(lambda x: np.sum(slope(x)))(x) if nested else slope(x)], X)
    names = {instruction.name for instruction in program.instructions}
    assert ("gelu_backward" in names) == (not nested)  # the kernels have no second derivative, the composition has
    expected = grad(lambda x: np.sum(slope(x)))(-X) if nested else slope(-X)
    onp.testing.assert_allclose(python_function(program)(-X)[0], expected, rtol=1e-14)


@pytest.mark.parametrize("operation", [ops.relu, ops.softmax, lambda x: ops.cross_entropy(x[None], onp.array([1]))])
def test_what_a_kernel_saves_is_of_the_repeat_not_of_the_recording(operation: Any) -> None:
    slope = grad(lambda x: np.sum(operation(x) ** 2))
    onp.testing.assert_array_equal(python_function(record(lambda x: [slope(x)], X))(-X)[0], slope(-X))


def test_a_cotangent_that_is_traced_itself_goes_back_by_the_composition() -> None:
    def function(x: Any) -> Any:
        pull, _ = make_vjp(ops.gelu)(x)
        return grad(lambda g: np.sum(pull(g) ** 2))(x)

    onp.testing.assert_allclose(python_function(record(lambda x: [function(x)], X))(-X)[0], function(-X), rtol=1e-14)


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        (lambda x: x * float(x[0]), "float"),
        (lambda x: x if x[0] > 0 else -x, "branches on the truth"),
        (lambda x: x * value_of(x), r"test_recorder.py:\d+ takes a value out of its trace"),
        (lambda x: x[x > 0], r"test_recorder.py:\d+ asks for getitem, which gives as many entries as there happen"),
        (lambda x: x[None][0, x > 0], r"test_recorder.py:\d+ asks for getitem_by_parts, which gives as many"),
        (lambda x: x[np.nonzero(x)], "asks for nonzero"),
        (lambda x: x[np.where(x > 0)[0]], "asks for nonzero"),
        (lambda x: x[np.flatnonzero(x)], "asks for flatnonzero"),
        (lambda x: np.argwhere(x), "asks for argwhere"),
    ],
)
def test_what_python_makes_of_a_value_is_refused(asks: Any, said: str) -> None:
    recorder = Recorder()
    x = recorder.input(X, "x")
    try:
        recorder.finish([asks(x)])
    except Exception as error:  # at once where boxes refuse it, else at the end
        found = recorder.refused or str(error)
    assert re.search(said, found)


def test_a_mask_of_constants_and_a_choice_by_a_mask_are_recorded() -> None:
    program = record(lambda x: [x[onp.array([True, False, True])], np.where(x > 0, x, 0.0)], X)
    kept, chosen = python_function(program)(-X)
    assert (kept.tolist(), chosen.tolist()) == ([-1.0, -3.0], [0.0, 2.0, 0.0])


PARTS = {  # an index of which a part is traced, as the labels of a batch are
    "rows and labels": lambda x, i: x[onp.arange(3), i],
    "a part alone": lambda x, i: x[(i,)],
    "a part that repeats": lambda x, i: x[:, i * 0 + 1],
    "a slice before": lambda x, i: x[1:, i],
    "a new axis": lambda x, i: x[i, None, ..., 2],
    "take": lambda x, i: np.take(x, i, 1),
    "take_along_axis": lambda x, i: np.take_along_axis(x, i[:, None], 1),
    "the largest": lambda x, i: x[onp.arange(3), np.argmax(x, 1)],
    "sorted": lambda x, i: np.sort(x, 1),
}


@pytest.mark.parametrize("function", PARTS.values(), ids=PARTS)
def test_an_index_with_traced_parts_follows_them(function: Any) -> None:
    """A part that is not seen would be the recording's for ever, or make an array of the parts."""
    rng = onp.random.default_rng(0)
    x, y = rng.random((2, 3, 4))
    i, j = onp.array([0, 2, 2]), onp.array([1, 0, 1])
    squares: Any = lambda x, i: np.sum(function(x, i) ** 2)
    every: Any = lambda x, i: [function(x, i), grad(squares)(x, i), hvp(squares, (x, i), y)]
    for found, wanted in zip(python_function(record(every, x, i))(y, j), every(y, j), strict=True):
        assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2])
def test_a_shortcut_for_finite_values_is_none_of_a_plan(function: Any) -> None:
    slope = grad(lambda x: np.sum(function(x, 0.5)))
    run = python_function(record(lambda x: [slope(x)], X))
    for x in (X, -3 * X, onp.array([onp.inf, -onp.inf, 0.5])):
        assert run(x)[0].tolist() == slope(x).tolist()


def test_a_box_where_a_constant_belongs_is_refused() -> None:
    recorder = Recorder()
    x = recorder.input(X, "x")
    with pytest.raises(PlanError, match="a traced value stands where a plan has a constant"):
        recorder.call("both", lambda pair: pair[0], (x, x))


def test_checks_are_made_in_every_repeat() -> None:
    seen = []

    def function(x: Any) -> Any:
        checked("check", lambda x, low: seen.append((type(x), low)), x * 2.0, -1)
        return [x + 1.0]

    program = record(function, X)
    slope = record(lambda x: [grad(lambda x: np.sum(function(x)[0] ** 2))(x)], X)
    seen.clear()
    python_function(program)(X)
    python_function(slope)(X)
    assert seen == [(onp.ndarray, -1)] * 2


def test_values_are_kept_for_every_slot_or_for_none() -> None:
    for keeps in (True, False):
        recorder = Recorder(keeps=keeps)
        x = recorder.input(X, "x")
        program = recorder.finish([np.sum(ops.relu(x))])
        assert set(recorder.values) == (set(program.kinds) if keeps else set())


EQUAL: list[Any] = [lambda x, v: x * 2.0, lambda x, v: x * float("nan"), lambda x, v: x * onp.array([1.0, 2.0, 3.0])]
OTHER: dict[str, Any] = {
    "has the constant 1.0, and 2.0 the next time": lambda x, v: x * v,
    "has the constant [1. 1. 1.], and [2. 2. 2.] the next time": lambda x, v: x * onp.full(3, v),
    "has the constant 0, and 1 the next time": lambda x, v: x * int(v - 1),
    "is called once and not the next time": lambda x, v: x * 2.0 if v > 1 else np.exp(x * 2.0),
    "is called once, and": lambda x, v: np.exp(x) if v > 1 else np.tanh(x),
    "has the constant -0.0, and 0.0 the next time": lambda x, v: x * (0.0 * (v - 1.5)),
    "a result has float64[2], and float64[1] the next time": lambda x, v: _part(x, v),
    "the result is another the next time": lambda x, v: (np.tanh(x), np.exp(x))[int(v - 1)],
}


def _part(x: Any, v: float) -> Any:
    """Results of another shape by a call with equal arguments."""
    recorder = x._trace
    return recorder.call("part", _Part(3 - int(v)), x)


class _Part:
    """Parts of different lengths that compare as equal."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, x: Any) -> Any:
        return x[: self.length]


@pytest.mark.parametrize("function", EQUAL)
def test_recordings_of_a_function_that_repeats_are_the_same(function: Any) -> None:
    assert difference(*[record(lambda x, v=v: [function(x, v)], v * X) for v in (1.0, 2.0)]) == ""


@pytest.mark.parametrize("said", OTHER)
def test_recordings_that_differ_say_where(said: str) -> None:
    found = difference(*[record(lambda x, v=v: [OTHER[said](x, v)], v * X) for v in (1.0, 2.0)])
    assert said in found
