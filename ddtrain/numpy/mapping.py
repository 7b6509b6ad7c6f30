"""Python functions applied along an axis, over axes, or to each entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ddtrain.numpy.joining import asarray, stack
from ddtrain.numpy.shapes import broadcast_to, expand_dims, moveaxis, ndim, ravel, reshape, shape


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """``func1d`` of each vector along ``axis``, in place of that vector.

    >>> apply_along_axis(lambda v: v[0] + v[-1], 0, np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    arr = asarray(arr)
    axis = normalize_axis_index(axis, ndim(arr))
    last = moveaxis(arr, axis, -1)
    outer = shape(last)[:-1]
    rows = reshape(last, (-1, shape(last)[-1]))
    if not shape(rows)[0]:
        raise ValueError(f"apply_along_axis: no vector along axis {axis} of an array of shape {shape(arr)}")
    results = stack([asarray(func1d(rows[i], *args, **kwargs)) for i in range(shape(rows)[0])])
    inner = shape(results)[1:]
    whole = reshape(results, outer + inner)
    return moveaxis(whole, range(len(outer), len(outer) + len(inner)), range(axis, axis + len(inner)))


def apply_over_axes(func: Callable[[Any, int], Any], a: Any, axes: int | Sequence[int]) -> Any:
    """``func(a, axis)`` for each of ``axes`` in turn, keeping axes that it drops at length 1."""
    a = asarray(a)
    for axis in (axes,) if isinstance(axes, int) else axes:
        result = func(a, axis % ndim(a))
        a = result if ndim(result) == ndim(a) else expand_dims(result, axis % ndim(a))
    return a


def vectorize(
    pyfunc: Callable[..., Any],
    otypes: Any = None,
    doc: str | None = None,
    excluded: Any = None,
    cache: bool = False,
    signature: str | None = None,
) -> Callable[..., Any]:
    """A function of numbers as a function of arrays, which are broadcast: a loop, for convenience and not for speed.

    Parameters
    ----------
    excluded : positions of arguments that are passed on whole
    otypes, cache : accepted for compatibility
    doc : the docstring of the result

    Raises
    ------
    NotImplementedError : a ``signature``, of functions of vectors; use :func:`apply_along_axis`

    >>> vectorize(lambda a, b: a if a > b else 2 * b)(np.array([1.0, 5.0]), 3.0)
    array([6., 5.])
    """
    if signature is not None:
        raise NotImplementedError("vectorize: no signature= here; use apply_along_axis, or stack over a loop")
    whole = frozenset(excluded or ())

    def of_arrays(*args: Any, **kwargs: Any) -> Any:
        looped = [i for i in range(len(args)) if i not in whole]
        arrays = [asarray(args[i]) for i in looped]
        common = np.broadcast_shapes(*[shape(a) for a in arrays])
        flat = [ravel(broadcast_to(a, common)) for a in arrays]
        results = []
        for k in range(int(np.prod(common))):
            each = list(args)
            for i, a in zip(looped, flat, strict=True):
                each[i] = a[k]
            results.append(pyfunc(*each, **kwargs))
        if isinstance(results[0], tuple):
            return tuple(reshape(stack([asarray(r) for r in part]), common)[()] for part in zip(*results, strict=True))
        return reshape(stack([asarray(r) for r in results]), common)[()]

    of_arrays.__doc__ = doc or pyfunc.__doc__
    return of_arrays
