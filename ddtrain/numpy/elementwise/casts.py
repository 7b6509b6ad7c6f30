"""Changing the type of an array. A cast to integers or booleans is constant almost everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.autodiff import BOXES, Array, array_like, def_linear, defvjp, nondifferentiable, primitive
from ddtrain.autodiff.core.boxes import objects_refused
from ddtrain.autodiff.core.examples import case

__all__ = ["astype", "iscomplexobj", "isrealobj", "result_type"]


def _cast(x: Any, dtype: Any) -> Any:
    x = np.asarray(x)
    return (x.real if x.dtype.kind == "c" and dtype.kind != "c" else x).astype(dtype, copy=False)


cast = primitive(_cast, name="astype", examples=lambda r: [case(r(2, 3), np.dtype(np.float64))])
defvjp(cast, lambda g, ans, x, dtype: g)  # the backward walk casts g back to x's dtype
def_linear(cast)
truncate = nondifferentiable(_cast, name="astype")


def astype(x: Array, dtype: DTypeLike, copy: bool = True) -> Array:
    """``x`` in another dtype; of a complex array in a real dtype, the real part.

    >>> astype(np.array([1.5]), np.float32)
    array([1.5], dtype=float32)
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "O" and type(x) in BOXES:
        raise objects_refused()
    return (cast if dtype.kind in "fc" else truncate)(x, dtype)


def fitting(x: Any, whole: Any) -> Any:
    """``x`` in the dtype of ``whole``, of which it becomes a part; as it is, if that holds no floating numbers."""
    return x if whole.dtype.kind not in "fc" or x.dtype == whole.dtype else astype(x, whole.dtype)


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype of a result of the given operands, traced or not."""
    return np.result_type(*map(array_like, arrays_and_dtypes))


def iscomplexobj(x: Array) -> bool:
    """Whether the dtype is complex."""
    return np.iscomplexobj(array_like(x))


def isrealobj(x: Array) -> bool:
    """Whether the dtype is not complex."""
    return not iscomplexobj(x)
