"""How two recordings of the same function differ: they should not, though they were made with other inputs."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np

from ddtrain.plan.program import Instruction, Program, Slot


def difference(first: Program, second: Program) -> str:
    """What differs between two programs, in a line; empty if they are the same.

    Constants are compared by value, other objects by identity or equality: a number that the function computed from its
    inputs outside of operations has another value in the second recording.

    >>> from ddtrain.plan import Recorder
    >>> programs = []
    >>> for value in (1.0, 2.0):
    ...     recorder = Recorder()
    ...     x = recorder.input(np.array(value), "x")
    ...     programs.append(recorder.finish([x * value]))  # value is no input, but follows one
    >>> difference(*programs)
    'multiply ... has the constant 1.0, and 2.0 the next time'
    """
    for one, other in zip_longest(first.instructions, second.instructions):
        if one is None or other is None:
            return f"{_named(one or other)} is called once and not the next time"
        if one.name != other.name:
            return f"{_named(one)} is called once, and {_named(other)} the next time"
        if one.outputs != other.outputs or one.kwargs.keys() != other.kwargs.keys() or len(one.args) != len(other.args):
            return f"{_named(one)} is called with other arguments the next time"
        pairs = [*zip(one.args, other.args), *((one.kwargs[key], other.kwargs[key]) for key in one.kwargs)]
        for mine, theirs in pairs:
            if not _same(mine, theirs):
                return f"{_named(one)} has the constant {_text(mine)}, and {_text(theirs)} the next time"
    for slot, kind in first.kinds.items():
        if second.kinds.get(slot) != kind:
            return f"a result has {kind}, and {second.kinds.get(slot)} the next time"
    if len(first.outputs) != len(second.outputs) or not all(map(_same, first.outputs, second.outputs)):
        return "the result is another the next time"
    return ""


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, Slot):
        return bool(one == other)
    if getattr(one, "is_cell", False):
        return True  # a place that every call fills anew
    if isinstance(one, np.ndarray):
        alike: bool = one.shape == other.shape and one.dtype == other.dtype
        return alike and bool(one.tobytes() == other.tobytes() if one.dtype != object else (one == other).all())
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, float | complex):
        return repr(one) == repr(other)  # NaN is NaN, and -0.0 is not 0.0
    try:
        return bool(one == other)
    except Exception:  # objects that cannot be compared are not the same
        return False


def _named(instruction: Instruction) -> str:
    place = " ".join(part for part in (instruction.layer, instruction.line) if part)
    return f"{instruction.name} ({place})" if place else instruction.name


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value.ravel()[:3], precision=4) + (" ..." if value.size > 3 else "")
    text = repr(value)
    return text if len(text) <= 60 else f"<{type(value).__name__}>"
