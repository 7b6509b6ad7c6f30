"""Which samples have the outermost labels: if a loss takes those, it takes the others.

A label that no class has, or targets that do not sum to one, would otherwise end a run in the step that draws the
sample, after hours perhaps. A loss that is computed of some of a data set's samples beforehand says so at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def extreme_rows(arrays: Sequence[Array]) -> NDArray[np.int64]:
    """The samples with the smallest and the largest integers, targets and sums of targets over the last axis.

    Parameters
    ----------
    arrays : of a data set, inputs first; of those, only integers are looked at, such as tokens

    >>> extreme_rows([np.zeros((5, 2)), np.array([1, 0, 7, 1, 1])])
    array([1, 2])
    >>> extreme_rows([np.zeros((3, 2)), np.array([[0.5, 0.5], [0.4, 0.5], [1.0, 0.0]])]).tolist()
    [0, 1, 2]
    """
    found: list[int] = []
    for k, x in enumerate(arrays):
        if not x.size or x.dtype.kind not in ("iu" if k == 0 else "iuf"):
            continue
        found += _ends(x)
        if x.dtype.kind == "f" and x.ndim > 1:
            found += _ends(x.sum(axis=-1))
    return np.unique(np.array(found, np.int64))


def _ends(x: Array) -> list[int]:
    """The samples with the smallest and the largest number; one that is NaN is taken for both."""
    numbers = x.size // len(x)
    return [int(x.argmin()) // numbers, int(x.argmax()) // numbers]
