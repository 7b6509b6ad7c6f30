"""What becomes of instructions: each trap is a small program, run on values that were not recorded."""

from __future__ import annotations

from typing import Any

import numpy as onp
import pytest
from recordings import MIDDLE, Recording, Sinks, run

import ddtrain.numpy as np
from ddtrain import grad, ops
from ddtrain.autodiff import primitive
from ddtrain.autodiff.core.checks import checked
from ddtrain.kernels import native
from ddtrain.plan.c_backend import lower
from ddtrain.plan.c_backend.lowering import Lowering
from ddtrain.plan.program import PlanError

pytestmark = pytest.mark.skipif(bool(native.lost()) or not native.wanted(), reason="no compiled kernels here")
X = onp.arange(1.0, 13.0).reshape(4, 3)


def check(function: Any, *xs: Any, others: Any = None) -> dict[str, str]:
    """Results on other inputs are the function's own; what became of each operation."""
    recording = Recording(function, xs)
    native = recording.in_c()
    others = [x[::-1] * 3 - 4 for x in xs] if others is None else others
    for found, expected in zip(run(native, others), function(*others), strict=True):
        onp.testing.assert_array_equal(found, expected, strict=True)
    return {name: kind for kind, name in native.kinds}


def test_a_row_of_what_a_pass_makes_is_read_after_the_pass() -> None:
    def function(x: Any) -> Any:
        y = x + x
        return [ops.relu(y + y[3]), y[-1] * y, y * y[3][2]]

    assert check(function, X)["add"] == "loop"


@pytest.mark.parametrize("reduction", [np.sum, np.max, np.mean, lambda x: np.sum(x * x) / 2.0])
def test_a_number_is_computed_anew(reduction: Any) -> None:
    check(lambda x: [ops.gelu(x * 1.0), reduction(x), x / reduction(x)], X)


def test_an_index_that_is_traced_is_looked_at_anew() -> None:
    check(lambda x, i: [ops.gelu(x * 1.0), x[i] * 2.0], X, onp.array(2), others=[X, onp.array(1)])


def test_views_cost_nothing_and_arithmetic_is_loops() -> None:
    kinds = check(lambda x: [ops.gelu(np.reshape(x * 2.0, (6, 2))[1:])], X)
    assert kinds == {
        "multiply": "loop", "reshape": "view", "getitem": "view", "gelu": "calls", MIDDLE: "python",
    }  # fmt: skip


def test_python_in_the_middle_reads_what_c_made_and_c_what_python_made() -> None:
    kinds = check(lambda x: [ops.relu(np.cumsum(ops.gelu(x) + 1.0, axis=0) - 3.0)], X)
    assert (kinds["cumsum"], kinds["relu"], kinds["gelu"]) == ("python", "calls", "calls")


def test_a_view_of_an_input_for_python_leaves_the_inputs_address_alone() -> None:
    """The second half reads x in C and a row of it in Python: the row's address must not stand for x's."""
    first = lambda x: [ops.gelu(x * 1.0), x[2]]
    second = lambda results, x: [x * np.cumsum(results[1])]
    recording = Recording(first, [X], second)
    sinks = Sinks(X)
    assert run(recording.in_c(), [X + 1], (), sinks)[2].tobytes() == ((X + 1) * onp.cumsum(X[2] + 1)).tobytes()


def test_gradients_are_written_where_they_are_wanted_and_told_in_order() -> None:
    second = lambda results, x: [x * 2.0, np.cumsum(x, axis=0), x.T * 1.0]
    recording = Recording(lambda x: [ops.gelu(x)], [X], second)
    made = recording.in_c()
    assert [kind for kind, name in made.kinds if name == "gradient"] == ["delivery", "delivery", "python"]
    for factor in (1.0, -2.0):  # other sinks in each call
        sinks = Sinks(*recording.sinks.arrays)
        x = factor * X
        _, *gradients = run(made, [x.copy()], (), sinks)
        for found, expected in zip(gradients, [x * 2, onp.cumsum(x, axis=0), x.T], strict=True):
            onp.testing.assert_array_equal(found, expected)
        assert sinks.order == [0, 1, 2]


def test_results_are_copies_that_the_next_call_leaves_alone() -> None:
    made = Recording(lambda x: [ops.gelu(x), x * 2.0], [X]).in_c()
    results = made.first(X)[:2]
    before = [x.copy() for x in results]
    made.first(-X)
    for found, expected in zip(results, before, strict=True):
        onp.testing.assert_array_equal(found, expected)


def test_what_has_another_layout_is_refused_not_misread() -> None:
    made = Recording(lambda x: [ops.gelu(np.reshape(x, (12,)))], [X]).in_c()
    made.first(X.copy())
    for other in (onp.asfortranarray(X), X.astype(">f8"), X[:2], X.astype("f")):
        with pytest.raises(PlanError, match=r"float64\[4, 3\] was written down"):
            made.first(other)


def test_bytes_in_another_order_are_the_references() -> None:
    for dtype in ("f", "d"):
        x = X.astype(dtype)
        onp.testing.assert_allclose(ops.gelu(x.astype(x.dtype.newbyteorder())), ops.gelu(x), rtol=1e-5)


def test_checks_stay_and_are_made_by_python() -> None:
    seen = []

    def look(x: Any) -> None:
        seen.append(float(x[0, 0]))

    look.__module__ = "ddtrain.looks"  # as checks are

    def function(x: Any) -> Any:
        checked("check x", look, x)
        return [ops.gelu(x)]

    made = Recording(function, [X]).in_c()
    made.first(X * 5)
    assert seen == [1.0, 5.0]


def test_a_function_that_is_not_ours_is_not_tried() -> None:
    calls: list[int] = []

    def double(x: Any) -> Any:
        calls.append(1)
        return x * 2.0

    counted = primitive(double)
    counted.raw.__module__ = "users"
    recording = Recording(lambda x: [ops.gelu(counted(x))], [X])
    made = recording.in_c()
    assert len(calls) == 1
    onp.testing.assert_array_equal(made.first(X + 1)[0], ops.gelu((X + 1) * 2.0))
    assert len(calls) == 2


def test_what_communicates_is_tried_by_a_rank_alone_only(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording(lambda x: [ops.gelu(x), ops.relu(x)], [X])
    communicating = next(i for i in recording.program.instructions if i.name == "relu")
    calls = []

    def meets(*args: Any) -> Any:
        calls.append(1)
        return ops.relu.raw(*args)

    meets.__module__, meets.communicates = "ddtrain.meets", True  # type: ignore[attr-defined]
    communicating.function = meets
    units = Lowering(recording.program, dict(recording.values), None, alone=False).units
    assert ([u.kind for u in units if u.instruction is communicating], calls) == (["python"], [])
    units = Lowering(recording.program, dict(recording.values), None, alone=True).units
    assert [u.kind for u in units if u.instruction is communicating] == ["calls"]


def test_what_does_more_than_its_calls_is_found_out() -> None:
    """The result lies where a kernel wrote, but NumPy has doubled it there."""
    recording = Recording(lambda x: [ops.gelu(x), ops.relu(x)], [X])
    changed = next(i for i in recording.program.instructions if i.name == "gelu")
    real = changed.function

    def doubled(x: Any) -> Any:
        ans, saved = real(x)
        ans *= 2
        return ans, saved

    doubled.__module__ = "ddtrain.doubled"
    changed.function = doubled
    kinds = {name: kind for kind, name in recording.in_c().kinds}
    assert (kinds["gelu"], kinds["relu"]) == ("python", "calls")


def test_no_compiled_call_no_plan_in_c() -> None:
    recording = Recording(lambda x: [x + x], [X])
    assert lower(recording.program, dict(recording.values), MIDDLE, []) is None


def test_a_copy_of_one_entry() -> None:
    """``place`` of one entry, and of several places that do not meet."""
    second = lambda results, x: [grad(lambda x: x[0] ** 2 + x[2] * x[-1])(x)]
    recording = Recording(lambda x: [ops.gelu(x)], [X[:, 0].copy()], second)
    sinks = Sinks(X[:, 0])
    x = X[:, 1].copy()
    expected = onp.array([2 * x[0], 0.0, x[3], x[2]])
    assert run(recording.in_c(), [x], (), sinks)[1].tolist() == expected.tolist()


def test_work_space_lies_in_the_arena_and_constants_where_they_are() -> None:
    bias, weight = onp.zeros(3), onp.array([1.0, 1.5, 2.0])
    back = lambda results, x, b: [grad(lambda b: np.sum(ops.linear(x, onp.eye(3), b) ** 2))(b)]
    recording = Recording(lambda x, b: [ops.layer_norm(x, weight, b)], [X, bias], back)
    units = {u.instruction.name: u for u in Lowering(recording.program, dict(recording.values)).units}
    sums, norm = units["linear_backward"], units["layer_norm"]
    assert (sums.kind, norm.kind) == ("calls", "calls")
    assert len(sums.writes) == 2, "the result, and the work space"
    assert [b.in_arena for b in sums.writes] == [True, True]
    assert [b.fixed is weight for b in norm.reads].count(True) == 1
