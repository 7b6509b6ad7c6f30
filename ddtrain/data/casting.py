"""Casts batches to the run's dtype, the only place where floating data is converted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import tree


def cast(batch: Any, dtype: DTypeLike) -> Any:
    """The batch with floating arrays as ``dtype``, and complex ones as complex numbers of that precision.

    Integers, which are labels and indices, stay as they are, and so does whatever is no array. Arrays may lie in nested
    tuples, lists and dicts. One that has its dtype already is not copied.

    >>> cast((np.ones(2), {"label": np.array([1, 0])}), np.float32)
    (array([1., 1.], dtype=float32), {'label': array([1, 0])})
    """
    real = np.dtype(dtype)
    if type(batch) is tuple and _stays(batch, real):  # the usual case, which needs no walk through the structure
        return batch
    return tree.map_leaves(lambda x: _as(x, real), batch)


def _stays(batch: tuple[Any, ...], real: np.dtype[Any]) -> bool:
    """Whether all are plain arrays that have their dtype already."""
    for x in batch:  # noqa: SIM110 -- a generator would double what it costs in every step
        if type(x) is not np.ndarray or (x.dtype is not real and x.dtype.kind in "fc"):
            return False
    return True


def _as(x: Any, real: np.dtype[Any]) -> Any:
    if not isinstance(x, (np.ndarray, np.generic)) or x.dtype is real or x.dtype.kind not in "fc":
        return x
    return x.astype(real if x.dtype.kind == "f" else np.result_type(real, np.complex64), copy=False)
