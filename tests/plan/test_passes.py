"""Each pass with before and after: what goes, what must stay, and that the program gives the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import grad, ops
from ddtrain.autodiff import checkpoint, primitive
from ddtrain.autodiff.core.checks import checked
from ddtrain.plan import Program, Recorder, python_function
from ddtrain.plan.passes import (
    PASSES,
    drop_dead,
    gather_places,
    hoist_checks,
    improve,
    share_common,
    skip_identities,
)

X = onp.arange(1.0, 7.0)


def record(function: Callable[..., Any], *xs: Any) -> Program:
    recorder = Recorder()
    return recorder.finish(function(*[recorder.input(x, f"x{i}") for i, x in enumerate(xs)]))


def names(program: Program) -> list[str]:
    return [instruction.name for instruction in program.instructions]


def after(one: Callable[[Program], Program], function: Callable[..., Any], *xs: Any) -> list[str]:
    """What is left after a pass; it gives what the program before gives, on other values too."""
    program = record(function, *xs)
    made = one(program)
    made.check([-x for x in xs])
    for factor in (1.0, -0.5):
        given = [factor * x for x in xs]
        for found, expected in zip(python_function(made)(*given), python_function(program)(*given), strict=True):
            onp.testing.assert_array_equal(found, expected)
    return names(made)


def test_identities_are_skipped_also_where_they_are_the_result() -> None:
    function = lambda x: [ops.stop_gradient(ops.stop_gradient(x)) * 2.0, ops.stop_gradient(x)]
    assert after(skip_identities, function, X) == ["multiply"]


def test_the_same_call_is_made_once_also_where_its_arguments_are() -> None:
    function = lambda x: [np.exp(x + 1.0) * np.exp(x + 1.0), np.exp(x + 1.0)]
    assert after(share_common, function, X) == ["add", "exp", "multiply"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: [np.sum(np.reshape(x, (2, 3)), axis=0), np.sum(np.reshape(x, (2, 3)), axis=1)[:3:2]],
        lambda x: [x * 1.0, x * 1],  # equal, and of another type
        lambda x: [x * 0.0, x * -0.0],
        lambda x: [x - x[::-1], x[::-1] - x],
    ],
)
def test_other_calls_are_not_taken_for_the_same(function: Any) -> None:
    after(share_common, function, X)


def test_a_zero_of_another_sign_is_another_constant() -> None:
    program = share_common(record(lambda x: [x * 0.0, x * -0.0], X))
    assert [onp.signbit(x).any() for x in python_function(program)(X)] == [False, True]


def test_recomputation_stays() -> None:
    """Sharing it would keep the values that it is there to free."""
    slope = lambda f: lambda x: [grad(lambda x: np.sum(f(x)))(x)]
    deep = lambda x: np.tanh(np.tanh(x))
    plain, again = (record(slope(lambda x, f=f: deep(x) + f(x)), X) for f in (deep, checkpoint(deep)))
    assert names(share_common(plain)).count("tanh") == 2
    assert names(share_common(again)).count("tanh") == names(again).count("tanh") == 4


def test_a_users_operation_is_called_as_often_as_it_was() -> None:
    drawn = primitive(lambda x: x * 1.0)
    drawn.raw.__module__ = "users"
    assert names(share_common(record(lambda x: [drawn(x) + drawn(x)], X))) == [drawn.__name__] * 2 + ["add"]


def test_what_communicates_is_never_shared() -> None:
    program = record(lambda x: [np.exp(x) + np.exp(x)], X)

    def meets(x: Any) -> Any:
        return onp.exp(x)

    meets.__module__, meets.communicates = "ddtrain.meets", True  # type: ignore[attr-defined]
    for instruction in program.instructions[:2]:
        instruction.function = meets
    assert names(share_common(program)) == ["exp", "exp", "add"]


def test_gradients_of_parts_are_placed_at_once() -> None:
    thirds = lambda x: np.sum(x[:2] * x[2:4] * x[4:])
    left = after(gather_places, lambda x: [grad(thirds)(x)], X)
    assert (left.count("place"), left.count("accumulate"), left.count("place_all")) == (0, 0, 1)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(x[:4] * x[2:]),  # they meet
        lambda x: np.sum(x[onp.array([0, 1, 2])] * x[3:]),  # an index that may name an entry twice
    ],
)
def test_parts_that_meet_are_added_up(function: Any) -> None:
    assert "place" in after(gather_places, lambda x: [grad(function)(x)], X)


def test_a_part_that_somebody_else_reads_stays() -> None:
    def both(x: Any) -> Any:
        part = grad(lambda x: np.sum(x[:3] ** 2))(x)
        return [part, part + grad(lambda x: np.sum(x[3:] ** 2))(x)]

    program = record(both, X)
    onp.testing.assert_array_equal(python_function(improve(program))(X)[0], python_function(program)(X)[0])


def test_what_nobody_reads_goes_with_all_that_led_there() -> None:
    def function(x: Any) -> Any:
        np.exp(np.tanh(x) + 1.0)
        return [x + x]

    assert after(drop_dead, function, X) == ["add"]


def test_effects_stay_with_what_they_read() -> None:
    seen: list[Any] = []

    def function(x: Any) -> Any:
        checked("check x", seen.append, np.exp(x))
        return [x + x]

    program = improve(record(function, X))
    assert names(program) == ["exp", "check x", "add"]
    python_function(program)(X * 0)
    assert seen[-1].tolist() == [1.0] * 6


def test_checks_of_inputs_come_first_and_of_results_where_they_are() -> None:
    def function(x: Any) -> Any:
        y = x + x
        checked("check y", lambda y: None, y)
        checked("check x", lambda x: None, x)
        checked("check x once more", lambda x: None, x)
        return [y * y]

    left = ["check x", "check x once more", "add", "check y", "multiply"]
    assert names(hoist_checks(record(function, X))) == left


def test_all_passes_in_turn_keep_every_bit() -> None:
    def function(x: Any, w: Any) -> Any:
        def loss(w: Any) -> Any:
            h = ops.gelu(ops.linear(np.reshape(x, (2, 3)), w))
            return np.sum(h[:, :2] * ops.stop_gradient(h[:, 2:])) + np.sum(h) * np.sum(h)

        return [loss(w), grad(loss)(w)]

    w = onp.linspace(-1, 1, 12).reshape(3, 4)
    assert len(PASSES) == 5
    assert len(after(improve, function, X, w)) < len(names(record(function, X, w)))
