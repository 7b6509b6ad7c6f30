"""Python functions applied along an axis, over axes, or to each entry."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ddtrain.autodiff import Array
from ddtrain.autodiff.core.array_lists import holds_box
from ddtrain.numpy.elementwise.casts import astype
from ddtrain.numpy.manipulation.axes import expand_dims, moveaxis
from ddtrain.numpy.manipulation.joining import asarray, stack
from ddtrain.numpy.manipulation.shapes import broadcast_to, integers, ndim, reshape, shape

__all__ = ["apply_along_axis", "apply_over_axes", "vectorize"]


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Array, *args: Any, **kwargs: Any) -> Array:
    """``func1d`` of each vector along ``axis``, in place of that vector.

    >>> apply_along_axis(lambda v: v[0] + v[-1], 0, np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    arr = asarray(arr)
    axis = normalize_axis_index(axis, ndim(arr))
    last = moveaxis(arr, axis, -1)
    outer = shape(last)[:-1]
    rows = reshape(last, (math.prod(outer), shape(last)[-1]))
    if not shape(rows)[0]:
        raise ValueError(f"apply_along_axis: no vector along axis {axis} of an array of shape {shape(arr)}")
    results = stack([asarray(func1d(rows[i], *args, **kwargs)) for i in range(shape(rows)[0])])
    inner = shape(results)[1:]
    whole = reshape(results, outer + inner)
    return moveaxis(whole, range(len(outer), len(outer) + len(inner)), range(axis, axis + len(inner)))


def apply_over_axes(func: Callable[[Any, int], Any], a: Array, axes: int | Sequence[int]) -> Array:
    """``func(a, axis)`` for each of ``axes`` in turn, keeping axes that it drops at length 1."""
    a = asarray(a)
    for axis in integers(axes):
        result = func(a, axis % ndim(a))
        a = result if ndim(result) == ndim(a) else expand_dims(result, axis % ndim(a))
    return a


class _Traced(Exception):
    """A function returned a traced value, which NumPy could not hold."""


class vectorize:  # lower case, as NumPy's class
    """A function of numbers as a function of arrays, which are broadcast: a loop, for convenience and not for speed.

    Without traced values, in the arguments or out of what the function knows otherwise, it is NumPy's.

    Parameters
    ----------
    otypes : the dtypes of the results, as a string or a list; by default those of the first results
    doc : the docstring of the result
    excluded : positions and names of arguments that are passed on whole
    cache : accepted for compatibility; NumPy's way not to call the function twice for the first dtype
    signature : as "(n),(n)->()": of functions of vectors and matrices, which axes they take

    >>> vectorize(lambda a, b: a if a > b else 2 * b)(np.array([1.0, 5.0]), 3.0)
    array([6., 5.])
    """

    def __init__(
        self,
        pyfunc: Any = None,
        otypes: Any = None,
        doc: str | None = None,
        excluded: Any = None,
        cache: bool = False,
        signature: str | None = None,
    ) -> None:
        self.pyfunc, self.otypes, self.excluded = pyfunc, otypes, frozenset(excluded or ())
        self.cache, self.signature = cache, signature
        self.options = {"otypes": otypes, "doc": doc, "excluded": excluded, "cache": cache, "signature": signature}
        np.vectorize(pyfunc or abs, **self.options)  # lets NumPy check the options
        self.__name__ = getattr(pyfunc, "__name__", type(self).__name__)
        self.__doc__ = doc or pyfunc.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.pyfunc is None:  # used as a decorator with options
            return type(self)(*args, **self.options)
        if not (holds_box(args) or holds_box(tuple(kwargs.values()))):
            with contextlib.suppress(_Traced):
                return np.vectorize(self._untraced, **self.options)(*args, **kwargs)
        return self._loop(args, kwargs)

    def _untraced(self, *args: Any, **kwargs: Any) -> Any:
        result = self.pyfunc(*args, **kwargs)
        if holds_box(result):
            raise _Traced
        return result

    def _loop(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        arrays = {key: asarray(x) for key, x in given.items() if key not in self.excluded}
        cores = self._cores(len(arrays))
        outer = [shape(a)[: ndim(a) - core] for a, core in zip(arrays.values(), cores, strict=True)]
        common = np.broadcast_shapes(*outer)
        flat = {
            key: reshape(broadcast_to(a, common + shape(a)[len(own) :]), (-1, *shape(a)[len(own) :]))
            for (key, a), own in zip(arrays.items(), outer, strict=True)
        }
        results = []
        for k in range(int(np.prod(common))):
            each = given | {key: a[k] for key, a in flat.items()}
            results.append(self.pyfunc(*[each[i] for i in range(len(args))], **{key: each[key] for key in kwargs}))
        if not results:
            return self._empty(common)
        if isinstance(results[0], tuple):
            columns = zip(*results, strict=True)
            return tuple(self._result(k, column, common) for k, column in enumerate(columns))
        return self._result(0, results, common)

    def _cores(self, n: int) -> list[int]:
        """How many axes of each of ``n`` arguments the function takes."""
        if self.signature is None:
            return [0] * n
        inputs = re.findall(r"\(([^)]*)\)", self.signature.partition("->")[0])
        if len(inputs) != n:
            raise TypeError(f"vectorize: {n} arguments for the signature {self.signature!r}")
        return [len(axes.split(",")) if axes.strip() else 0 for axes in inputs]

    def _dtype(self, k: int) -> Any:
        return None if self.otypes is None else np.dtype(self.otypes[k])

    def _result(self, k: int, results: Sequence[Any], common: tuple[int, ...]) -> Any:
        rows = stack([asarray(r) for r in results])
        whole = reshape(rows, common + shape(rows)[1:])[()]
        return whole if self.otypes is None else astype(whole, self._dtype(k))

    def _empty(self, common: tuple[int, ...]) -> Any:
        if self.otypes is None:
            raise ValueError("vectorize: no entries, so that nothing says of what dtype the results are; set otypes")
        empty = tuple(np.empty(common, self._dtype(k)) for k in range(len(self.otypes)))
        return empty[0] if len(empty) == 1 else empty
