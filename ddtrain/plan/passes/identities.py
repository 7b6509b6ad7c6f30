"""Identities: operations that return their argument as it is, which only derivatives tell from it."""

from __future__ import annotations

from dataclasses import replace

from ddtrain.plan.program import Program, Slot

NAMES = ("stop_gradient", "fan_out", "tied")


def skip_identities(program: Program) -> Program:
    """The program in which readers of an identity read its argument.

    >>> import numpy as np, ddtrain.numpy as dnp
    >>> from ddtrain import ops
    >>> from ddtrain.plan import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.input(np.ones(2), "x")
    >>> program = recorder.finish([ops.stop_gradient(x) * 2.0])
    >>> [i.name for i in program.instructions], [i.name for i in skip_identities(program).instructions]
    (['stop_gradient', 'multiply'], ['multiply'])
    """
    stands_for: dict[Slot, Slot] = {}
    kept = []
    for instruction in program.instructions:
        instruction = instruction.reading(stands_for)
        first, result = (*instruction.args, None)[0], instruction.outputs[0] if instruction.outputs else None
        if instruction.name in NAMES and type(first) is Slot and result is not None:
            stands_for[result] = first
        else:
            kept.append(instruction)
    outputs = [stands_for.get(out, out) if type(out) is Slot else out for out in program.outputs]
    return replace(program, instructions=kept, outputs=outputs)
