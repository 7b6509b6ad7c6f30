"""Noticing that an argument was written to between the walk forward and the walk back.

Note [Mutated arguments]
A tape keeps the arrays it saw, not copies, so a rule that reads an argument reads its *present* values. If the
argument had been written to in the meantime, its gradient would be silently wrong. The operators therefore take a
fingerprint of every array they differentiate by, and compare when they walk back. Making the arrays read-only would
name the guilty line, but would also change arrays that other threads use, and would miss writes through another view.
A fingerprint reads every byte: 0.3 us for a small array, 0.14 ms for a million doubles, a third of the time of one
multiplication of them.

Other arrays that a function uses may be written to: a buffer that each call fills anew, a batch that is centred in
place. Only a write to an array that a step has already used is wrong. So the tape remembers a hash of a few entries, a
*glance*, of every plain array that a step uses; if it has changed, and a rule of the step reads the array, the
derivative would be wrong, and an error is raised. Not watched are the other entries, the arrays of fused operations,
and training steps, which own their arrays. See ``watched_arrays.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff.core.boxes import BOXES

SMALL_BYTES = 2048  # up to this size, copying the array is faster than summing it


def fingerprint(x: Any) -> Any:
    """A value that changes if ``x`` does, to compare with ``==``; None for traced values, which cannot be written to.

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
    # The sum changes with any one entry, but not if two change places; the sampled entries show a sort or reversal.
    return int(np.add.reduce(words)), octets[-8:].tobytes(), words[:: words.size // 128].tobytes()
