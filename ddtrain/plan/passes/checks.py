"""Checks first: what looks at inputs alone is looked at before anything is computed."""

from __future__ import annotations

from dataclasses import replace

from ddtrain.plan.program import Instruction, Program

PREFIX = "check "  # how the names of checks begin, see ``autodiff/core/checks.py``


def hoist_checks(program: Program) -> Program:
    """The program with checks of inputs at its beginning, so that they do not part what can be one piece of C.

    >>> import numpy as np
    >>> from ddtrain.autodiff.core.checks import checked
    >>> from ddtrain.plan import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.input(np.ones(2), "x")
    >>> y = x + x
    >>> checked("check x", lambda x: None, x)
    >>> program = recorder.finish([y])
    >>> [i.name for i in program.instructions], [i.name for i in hoist_checks(program).instructions]
    (['add', 'check x'], ['check x', 'add'])
    """
    inputs = set(program.inputs)

    def is_first(instruction: Instruction) -> bool:
        return instruction.name.startswith(PREFIX) and inputs.issuperset(instruction.reads)

    return replace(program, instructions=sorted(program.instructions, key=lambda i: not is_first(i)))
