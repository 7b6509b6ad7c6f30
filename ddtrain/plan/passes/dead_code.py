"""Dead code: what nobody reads is not computed."""

from __future__ import annotations

from dataclasses import replace

from ddtrain.plan.program import Program, Slot


def drop_dead(program: Program) -> Program:
    """The program without instructions that have neither an effect nor a reader.

    Before, the exponential that only a metric of another time needs; after, without it:

    >>> import numpy as np, ddtrain.numpy as dnp
    >>> from ddtrain.plan import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.input(np.ones(2), "x")
    >>> unused, used = dnp.exp(x), x + x
    >>> program = recorder.finish([used])
    >>> [i.name for i in program.instructions], [i.name for i in drop_dead(program).instructions]
    (['exp', 'add'], ['add'])
    """
    read = {out for out in program.outputs if type(out) is Slot}
    kept = []
    for instruction in reversed(program.instructions):
        if instruction.effect or not read.isdisjoint(instruction.outputs):
            read.update(instruction.reads)
            kept.append(instruction)
    return replace(program, instructions=kept[::-1])
