"""Programs: what they print, what ``check`` finds out, and two halves that do what the whole does."""

from __future__ import annotations

from dataclasses import replace

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import grad, ops
from ddtrain.plan import Instruction, Program, Recorder, Slot, python_function
from ddtrain.plan.program import PlanError

X = onp.arange(6.0).reshape(2, 3)


def recorded() -> tuple[Recorder, Program]:
    """Two results, a middle, and a gradient that needs values from before it."""
    recorder = Recorder()
    x = recorder.input(X, "x")
    y = np.tanh(x)
    recorder.call("middle", lambda: None, effect=True)
    late = recorder.input(onp.array(2.0), "late")
    recorder.call("keep", KEPT.append, y * late + x, effect=True)
    return recorder, recorder.finish([y, 7, np.sum(y)])


KEPT: list[onp.ndarray] = []


def test_it_is_printed_with_kinds_layers_and_lines() -> None:
    said = recorded()[1].describe().splitlines()
    assert said[0].split() == ["%0:", "float64[2,", "3]", "input", "x"]
    assert said[2].startswith("%1: float64[2, 3] = tanh(%0)  # test_program.py:")
    assert said[3].startswith("middle()")
    assert said[-1] == "return %1, 7, %5"


def test_check_runs_a_program_that_is_right() -> None:
    program = recorded()[1]
    program.check([-X, onp.array(1.0)])
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        program.check([X])


def test_check_names_the_instruction_that_is_wrong() -> None:
    program = recorded()[1]
    first, *others = program.instructions
    unwritten = replace(first, args=(Slot(99),))
    with pytest.raises(PlanError, match=r"instruction 0, tanh, reads %99, which nothing has written"):
        replace(program, instructions=[unwritten, *others]).check([X, onp.array(1.0)])
    with pytest.raises(PlanError, match=r"instruction 1, tanh, writes %1 a second time"):
        replace(program, instructions=[first, first, *others]).check([X, onp.array(1.0)])
    narrow = replace(first, function=lambda x: onp.tanh(x).astype("f"))
    with pytest.raises(PlanError, match=r"gives float32\[2, 3\] where float64\[2, 3\] was written down"):
        replace(program, instructions=[narrow, *others]).check([X, onp.array(1.0)])


def test_two_halves_do_what_the_whole_does() -> None:
    _, program = recorded()
    late = program.inputs[1]
    # the sum belongs to the results, so it stands before the middle
    order = sorted(program.instructions, key=lambda i: i.name != "tanh" and i.name != "sum")
    program = replace(program, instructions=order)
    first, second, carried = program.split("middle", [late])
    assert [i.name for i in first.instructions] == ["tanh", "sum"]
    assert [*first.inputs, late] == program.inputs
    assert second.outputs == []
    x, two = -X, onp.array(3.0)
    *results, kept_x, kept_y = python_function(first)(x)
    assert carried == 2
    KEPT.clear()
    values = [kept_x, kept_y, two]
    python_function(second, consumes=True)(values)
    assert values == [], "so that each can be let go"
    onp.testing.assert_array_equal(KEPT[0], onp.tanh(x) * 3 + x)
    onp.testing.assert_array_equal(results[0], onp.tanh(x))
    assert results[1:] == [7, onp.tanh(x).sum()]


def test_values_are_let_go_after_their_last_use() -> None:
    program = Recorder()
    x = program.input(X, "x")
    a = np.exp(x)
    b = a + 1.0
    c = b * b
    made = program.finish([c])
    names = dict(zip((i.name for i in made.instructions), made.last_uses(), strict=True))
    assert names == {"exp": [x.node], "add": [a.node], "multiply": [b.node]}


def test_an_error_names_the_line_and_the_layer() -> None:
    recorder = Recorder()
    x = recorder.input(X, "x")
    program = recorder.finish([np.reshape(x, (3, 2))])
    with pytest.raises(ValueError, match="reshape") as caught:
        python_function(program)(X[:, :1])
    assert any("test_program.py:" in note and "reshape" in note for note in caught.value.__notes__)


def test_constants_that_python_cannot_spell() -> None:
    slots = [Slot(k) for k in range(4)]
    values = [float("nan"), float("inf"), -1e301]
    instructions = [
        Instruction("f", onp.add, (slots[0], value), {}, (out,)) for value, out in zip(values, slots[1:], strict=True)
    ]
    kinds = dict.fromkeys(slots)
    found = python_function(Program(slots[:1], instructions, slots[1:], kinds))(1.0)
    onp.testing.assert_array_equal(found, [onp.nan, onp.inf, -1e301])


def test_a_gradient_is_a_program_that_checks() -> None:
    recorder = Recorder()
    x = recorder.input(X, "x")
    program = recorder.finish([grad(lambda x: np.sum(ops.gelu(x) ** 2))(x)])
    program.check([X + 1])
    onp.testing.assert_allclose(python_function(program)(-X)[0], grad(lambda x: np.sum(ops.gelu(x) ** 2))(-X))
