"""Common subexpressions: the same call on the same values is made once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ddtrain.plan.program import Instruction, Program, Slot

_PURE = ("numpy", "ddtrain")  # modules whose operations depend on their arguments alone; a user's may not


def share_common(program: Program) -> Program:
    """The program in which a call that was made before is not made again.

    A second run of a checkpointed function is meant to be one: recomputed instructions stay.

    >>> import numpy as np, ddtrain.numpy as dnp
    >>> from ddtrain.plan import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.input(np.ones(2), "x")
    >>> program = recorder.finish([dnp.exp(x) + dnp.exp(x)])
    >>> [i.name for i in program.instructions], [i.name for i in share_common(program).instructions]
    (['exp', 'exp', 'add'], ['exp', 'add'])
    """
    seen: dict[Any, Instruction] = {}
    stands_for: dict[Slot, Slot] = {}
    kept = []
    for instruction in program.instructions:
        instruction = instruction.reading(stands_for)
        key = _key(instruction)
        first = seen.get(key) if key is not None else None
        if first is None:
            kept.append(instruction)
            if key is not None:
                seen[key] = instruction
            continue
        for mine, theirs in zip(instruction.outputs, first.outputs, strict=True):
            if mine is not None and theirs is not None:
                stands_for[mine] = theirs
    outputs = [stands_for.get(out, out) if type(out) is Slot else out for out in program.outputs]
    return replace(program, instructions=kept, outputs=outputs)


def _key(instruction: Instruction) -> Any:
    """What two calls must share to be the same call; None for one that stands for itself."""
    module = getattr(instruction.function, "__module__", None) or "numpy"  # a ufunc has none
    if instruction.effect or instruction.recomputed or module.partition(".")[0] not in _PURE:
        return None
    if getattr(instruction.function, "communicates", False) or None in instruction.outputs:
        return None
    values = (*instruction.args, *sorted(instruction.kwargs.items()))
    if not all(type(v) is Slot or _plain(v) for v in values):
        return None
    key = (instruction.function, tuple(map(_told_apart, values)))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _told_apart(value: Any) -> Any:
    """A constant as something that no other one equals: 1 is not 1.0 here, nor 0.0 what -0.0 is."""
    if isinstance(value, tuple):
        return tuple(map(_told_apart, value))
    return type(value), repr(value) if isinstance(value, float | complex | np.inexact) else value


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, (int, float, str, bool, slice)) or type(value).__module__ == "numpy"
