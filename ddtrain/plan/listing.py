"""A plan as text: its program, and what became of each instruction."""

from __future__ import annotations

from collections import Counter

from ddtrain.plan.c_backend import NativeProgram
from ddtrain.plan.program import Program

_WORDS = {  # what becomes of an instruction, in the order in which it is counted
    "calls": "calls of compiled kernels",
    "loop": "loops",
    "copies": "copies",
    "view": "views",
    "delivery": "deliveries of gradients",
    "python": "calls from Python",
}


def listing(program: Program, native: NativeProgram | None = None) -> str:
    """The program as text, after a line that counts what became of its instructions.

    Parameters
    ----------
    program : what runs, after all passes
    native : what was made of it in C; None: every instruction is a call from Python

    >>> import numpy as np, ddtrain.numpy as dnp
    >>> from ddtrain.plan import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.input(np.ones(3), "x")
    >>> print(listing(recorder.finish([dnp.sum(x * 2.0)])), end="")
    2 instructions: 2 calls from Python
    <BLANKLINE>
              %0: float64[3]                 input x
    python    %1: float64[3] = multiply(%0, 2.0)  # ...
    python    %2: float64[] = sum(%1)  # ...
              return %2
    """
    kinds = [kind for kind, _ in native.kinds] if native else ["python"] * len(program.instructions)
    counts = Counter(kinds)
    said = ", ".join(f"{counts[kind]} {words}" for kind, words in _WORDS.items() if counts[kind])
    if native:
        said += f"; {native.stretches} stretches of C, an arena of {native.arena_bytes:,} bytes"
    lines = program.describe().splitlines()
    margin = [*[""] * len(program.inputs), *kinds, ""]
    text = [f"{kind:<9} {line}" for kind, line in zip(margin, lines, strict=True)]
    return "\n".join([f"{len(kinds)} instructions: {said}", "", *text, ""])
