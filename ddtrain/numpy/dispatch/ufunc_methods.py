"""The methods of ufuncs, ``add.reduce`` or ``subtract.outer``: of plain arrays NumPy's, of traced ones ours.

A ufunc has an own function for a reduction or scan where there is one, with a rule; any other is applied again and
again. All run along one axis, unless told.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ddtrain.autodiff.core.array_lists import holds_box
from ddtrain.errors import DerivativeError
from ddtrain.numpy.along_axes import masked_reductions as masked
from ddtrain.numpy.along_axes import reductions, scans
from ddtrain.numpy.elementwise import comparisons
from ddtrain.numpy.elementwise.casts import astype
from ddtrain.numpy.inplace import written_to
from ddtrain.numpy.manipulation.axes import expand_dims, moveaxis
from ddtrain.numpy.manipulation.joining import asarray, stack
from ddtrain.numpy.manipulation.shapes import integers, ndim, reshape, shape

REDUCTIONS: dict[Any, Any] = {  # ufunc -> our reduction, and ours with ``initial`` or ``where``
    np.add: (reductions.sum, masked.sum),
    np.multiply: (scans.prod, masked.prod),
    np.maximum: (reductions.max, masked.max),
    np.minimum: (reductions.min, masked.min),
    np.logical_and: (comparisons.all, None),
    np.logical_or: (comparisons.any, None),
}
SCANS: dict[Any, Any] = {np.add: scans.cumsum, np.multiply: scans.cumprod}
METHODS = ("reduce", "accumulate", "reduceat", "outer", "at")
ATTRIBUTES = ("identity", "nargs", "nin", "nout", "ntypes", "signature", "types")


def _reduce(
    ufunc: Any, ours: Any, array: Any, axis: Any = 0, dtype: Any = None, *, keepdims: bool = False, **options: Any
) -> Any:
    """``initial=`` and ``where=`` among the options are those of sum, prod, max, min."""
    x = asarray(array) if dtype is None else astype(asarray(array), dtype)
    own, with_options = REDUCTIONS.get(ufunc, (None, None))
    if options and with_options is None:
        raise _refused(ufunc, "reduce", next(iter(options)), "Choose by np.where first.")
    if own is not None:
        return with_options(x, axis, keepdims=keepdims, **options) if options else own(x, axis, keepdims=keepdims)
    axes = tuple(range(ndim(x))) if axis is None else normalize_axis_tuple(integers(axis), ndim(x))
    front = moveaxis(x, axes, range(len(axes)))
    layers = reshape(front, (-1, *shape(front)[len(axes) :]))
    if not shape(layers)[0]:
        if ufunc.identity is None:
            raise ValueError(f"{ufunc.__name__}.reduce: no entries along axis {axis}, and no identity")
        found: Any = np.full(shape(layers)[1:], ufunc.identity, x.dtype)
    else:
        found = functools.reduce(ours, layers)
    return expand_dims(found, axes) if keepdims and axes else found


def _accumulate(ufunc: Any, ours: Any, array: Any, axis: Any = 0, dtype: Any = None) -> Any:
    x = asarray(array) if dtype is None else astype(asarray(array), dtype)
    axis = normalize_axis_index(axis, ndim(x))
    if ufunc in SCANS:
        return SCANS[ufunc](x, axis)
    return stack(list(itertools.accumulate(moveaxis(x, axis, 0), ours)), axis) if shape(x)[axis] else x


def _reduceat(ufunc: Any, ours: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None) -> Any:
    x = asarray(array)
    axis, starts = normalize_axis_index(axis, ndim(x)), np.asarray(indices)
    layers, ends = moveaxis(x, axis, 0), [*starts[1:], shape(x)[axis]]
    # reduceat gives an empty range its first layer
    pieces = [layers[a : max(b, a + 1)] for a, b in zip(starts, ends, strict=True)]
    return stack([_reduce(ufunc, ours, piece, 0, dtype) for piece in pieces], axis)


def _outer(ufunc: Any, ours: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    a, b = asarray(a), asarray(b)
    return ours(reshape(a, shape(a) + (1,) * ndim(b)), b, **kwargs)


def _at(ufunc: Any, ours: Any, a: Any, *args: Any) -> Any:
    raise written_to(f"{ufunc.__name__}.at: ", "Use np.bincount with weights, or x[indices] the other way round.")


_OURS: dict[str, Callable[..., Any]] = {
    "accumulate": _accumulate, "at": _at, "outer": _outer, "reduce": _reduce, "reduceat": _reduceat,
}  # fmt: skip


def _refused(ufunc: Any, method: str, key: str, remedy: str) -> DerivativeError:
    return DerivativeError(f"{ufunc.__name__}.{method}: {key}= has no derivative rule", remedy=remedy)


def call_method(ufunc: Any, method: str, ours: Any, *args: Any, **kwargs: Any) -> Any:
    """A method of ``ufunc``, of which ``ours`` is the function with derivatives."""
    if not (holds_box(args) or holds_box(tuple(kwargs.values()))):
        return getattr(ufunc, method)(*args, **kwargs)
    if kwargs.get("out") is not None:
        raise _refused(ufunc, method, "out", "Leave it out, and use the result.")
    return _OURS[method](ufunc, ours, *args, **{key: value for key, value in kwargs.items() if key != "out"})


def give_methods(ours: Any, ufunc: np.ufunc) -> None:
    """Let our function ``ours`` have what NumPy's ``ufunc`` has beside being called."""
    for method in METHODS:
        setattr(ours, method, functools.partial(call_method, ufunc, method, ours))
    for key in ATTRIBUTES:
        setattr(ours, key, getattr(ufunc, key))
