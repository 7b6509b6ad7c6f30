"""Gradients of parts: what several views of one array receive is written into one array, without adding zeros up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ddtrain.plan.program import Instruction, Program, Slot

_BASIC = (int, slice, type(None), type(Ellipsis))


def is_basic(index: Any) -> bool:
    """Whether an index is one of NumPy's basic ones, which give a view.

    >>> is_basic((0, slice(1, 3), ...)), is_basic([0, 1])
    (True, False)
    """
    return all(type(part) in _BASIC for part in (index if isinstance(index, tuple) else (index,)))


def place_all(shape: tuple[int, ...], indices: tuple[Any, ...], *gradients: Any) -> Any:
    """Zeros of ``shape`` with each gradient added at its index; no two meet.

    >>> place_all((3,), (0, slice(1, 3)), np.array(5.0), np.array([6.0, 7.0]))
    array([5., 6., 7.])
    """
    out = np.zeros(shape, gradients[0].dtype)
    for index, g in zip(indices, gradients, strict=True):
        out[index] += g
    return out


def gather_places(program: Program) -> Program:
    """The program in which the sum of gradients of parts that do not meet is one array, filled part by part.

    Before, each half of x has its gradient placed among zeros, and both are added up; after, both are placed at once:

    >>> import ddtrain.numpy as dnp
    >>> from ddtrain import grad
    >>> from ddtrain.plan import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.input(np.arange(4.0), "x")
    >>> program = recorder.finish([grad(lambda x: dnp.sum(x[:2] * x[2:]))(x)])
    >>> [i.name for i in program.instructions][-4:]
    ['multiply', 'place', 'place', 'accumulate']
    >>> [i.name for i in gather_places(program).instructions][-2:]
    ['multiply', 'place_all']
    """
    readers: dict[Slot, int] = {}
    for instruction in program.instructions:
        for slot in instruction.reads:
            readers[slot] = readers.get(slot, 0) + 1
    for out in program.outputs:
        if type(out) is Slot:
            readers[out] = readers.get(out, 0) + 1
    made = {i.outputs[0]: i for i in program.instructions if len(i.outputs) == 1}
    gone: set[Instruction] = set()
    kept = []
    for instruction in program.instructions:
        gathered = _gathered(instruction, made, readers) if instruction.name == "accumulate" else None
        if gathered is not None:
            parts, instruction = gathered
            gone.update(parts)
            made[instruction.outputs[0]] = instruction
        kept.append(instruction)
    return replace(program, instructions=[i for i in kept if i not in gone])


def _gathered(
    instruction: Instruction, made: dict[Slot | None, Instruction], readers: dict[Slot, int]
) -> tuple[list[Instruction], Instruction] | None:
    """The instructions that a sum of parts is made of, and the one that does it all."""
    parts = [made.get(a) if type(a) is Slot and readers[a] == 1 else None for a in instruction.args]
    pairs: list[tuple[Any, Any]] = []
    shape = None
    for part in parts:
        if part is None or part.kwargs or part.name not in ("place", "place_all"):
            return None
        if part.name == "place":
            g, index, shape = part.args
            pairs.append((index, g))
        else:
            shape, indices, *gradients = part.args
            pairs += zip(indices, gradients, strict=True)
    if not all(type(g) is Slot for _, g in pairs) or not _apart(shape, [index for index, _ in pairs]):
        return None
    args = (shape, tuple(index for index, _ in pairs), *(g for _, g in pairs))
    return [part for part in parts if part], replace(instruction, name="place_all", function=place_all, args=args)


def _apart(shape: Any, indices: list[Any]) -> bool:
    """Whether views at these indices have no entry in common."""
    if not all(map(is_basic, indices)):
        return False
    touched = np.zeros(shape, np.uint8)
    for index in indices:
        touched[index] += 1
    return bool(touched.max(initial=0) <= 1)
