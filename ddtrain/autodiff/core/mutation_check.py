"""Noticing that an argument was written to between the walk forward and the walk back.

Note [Mutated arguments]
A tape keeps the arrays it saw, not copies, so a rule that reads an argument reads what lies there *now*. Were the
argument written to in the meantime, its gradient would be wrong without a word. The operators therefore take a
fingerprint of every array they differentiate by, and compare when they walk back. Making the arrays read-only would
name the guilty line, but would also change arrays that other threads use, and would miss writes through another view.
A fingerprint reads every byte: 0.3 us for a small array, 0.14 ms for a million doubles, a third of the time of one
multiplication of them.

What a function merely *uses* may well be written to: a buffer that each call fills anew, a batch that is centred in
place. Wrong is only a write to what a step has used already. So of every plain array that a step uses, wherever it
comes from, a glance at a few entries is remembered, whatever its size; where one has changed, and a rule of the step
reads it, the derivative would come out differently. Entries that no glance met and fused operations are not watched,
nor is a training step, which owns its arrays. See ``watched_arrays.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff.core.boxes import BOXES

SMALL_BYTES = 2048  # up to this size, copying the array is faster than summing it


def fingerprint(x: Any) -> Any:
    """What changes when ``x`` does, to be compared with ``==``; None for a traced value, which nobody can write to.

    >>> x = np.arange(1000.0)
    >>> before = fingerprint(x)
    >>> x[::-1].sort()
    >>> fingerprint(x) == before
    False
    """
    if type(x) in BOXES:
        return None
    if x.nbytes <= SMALL_BYTES:
        return x.tobytes()
    octets = np.ascontiguousarray(x if x.flags.c_contiguous else x.T).reshape(-1).view(np.uint8)
    words = octets[: octets.size // 8 * 8].view(np.uint64)
    # the sum sees any one change, but not two entries changing places: for a sorted or reversed array, look at some
    return int(np.add.reduce(words)), octets[-8:].tobytes(), words[:: words.size // 128].tobytes()
