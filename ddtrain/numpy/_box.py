"""The box of arrays: a traced value that looks and feels like a NumPy array.

Its operators and methods are the differentiable functions. NumPy's own functions, called on a traced value, arrive at
``__array_ufunc__`` and ``__array_function__`` and are sent to ours through one table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from ddtrain.autodiff import Box, register_box
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.numpy import (
    arithmetic,
    casts,
    choices,
    comparisons,
    complexes,
    indexing,
    products,
    ranks,
    reductions,
    scans,
    selections,
    shapes,
)
from ddtrain.numpy._missing import no_rule, no_rule_elsewhere
from ddtrain.numpy.inplace import written_to
from ddtrain.numpy.ufuncs import call_method
from ddtrain.source import calling_line

COUNTERPARTS: dict[Any, Any] = {}  # a function of NumPy -> ours; filled in __init__.py


class ArrayBox(Box):
    """An array under a trace."""

    __slots__ = ()
    __array_priority__ = 100.0
    __hash__ = object.__hash__

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    T = property(lambda self: shapes.transpose(self))
    mT = property(lambda self: shapes.matrix_transpose(self))
    real = property(lambda self: complexes.real(self))
    imag = property(lambda self: complexes.imag(self))

    __add__ = arithmetic.add
    __sub__ = arithmetic.subtract
    __mul__ = arithmetic.multiply
    __truediv__ = arithmetic.divide
    __pow__ = arithmetic.power
    __mod__ = arithmetic.remainder
    __floordiv__ = comparisons.floor_divide
    __matmul__ = products.matmul
    __neg__ = arithmetic.negative
    __pos__ = arithmetic.positive
    __abs__ = arithmetic.absolute
    __getitem__ = indexing.getitem

    __eq__ = comparisons.equal
    __ne__ = comparisons.not_equal
    __lt__ = comparisons.less
    __le__ = comparisons.less_equal
    __gt__ = comparisons.greater
    __ge__ = comparisons.greater_equal

    def __radd__(self, other: Any) -> Any:
        return arithmetic.add(other, self)

    def __rsub__(self, other: Any) -> Any:
        return arithmetic.subtract(other, self)

    def __rmul__(self, other: Any) -> Any:
        return arithmetic.multiply(other, self)

    def __rtruediv__(self, other: Any) -> Any:
        return arithmetic.divide(other, self)

    def __rpow__(self, other: Any) -> Any:
        return arithmetic.power(other, self)

    def __rmod__(self, other: Any) -> Any:
        return arithmetic.remainder(other, self)

    def __rfloordiv__(self, other: Any) -> Any:
        return comparisons.floor_divide(other, self)

    def __rmatmul__(self, other: Any) -> Any:
        return products.matmul(other, self)

    all = comparisons.all
    any = comparisons.any
    argmax = comparisons.argmax
    argmin = comparisons.argmin
    argpartition = ranks.argpartition
    argsort = comparisons.argsort
    astype = casts.astype
    clip = choices.clip
    conj = complexes.conjugate
    conjugate = complexes.conjugate
    cumprod = scans.cumprod
    cumsum = scans.cumsum
    diagonal = indexing.diagonal
    dot = products.dot
    flatten = shapes.ravel
    max = reductions.max
    mean = reductions.mean
    min = reductions.min
    nonzero = comparisons.nonzero
    prod = scans.prod
    ravel = shapes.ravel
    repeat = shapes.repeat
    round = comparisons.round
    searchsorted = comparisons.searchsorted
    squeeze = shapes.squeeze
    std = reductions.std
    sum = reductions.sum
    swapaxes = shapes.swapaxes
    take = indexing.take
    trace = products.trace
    var = reductions.var

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The same entries in another shape."""
        return shapes.reshape(self, shape[0] if len(shape) == 1 else shape, order)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, reversed unless told."""
        return shapes.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """The layers along ``axis`` at which ``condition`` holds."""
        return selections.compress(condition, self, axis)

    def copy(self) -> Any:
        """The value itself: traced arrays are never written to."""
        return self

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.size != 1 or not self._trace.branches:
            raise _no_branch(self)
        return bool(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise written_to(shape=self.shape)

    def sort(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: the method sorts in place."""
        raise DerivativeError("x.sort() sorts a traced array in place", remedy="Use x = np.sort(x).")

    def __float__(self) -> float:
        raise _loses_derivative(self, "float(x)", "Keep it an array; for printing, take ddtrain.autodiff.value_of(x).")

    def __int__(self) -> int:
        raise _loses_derivative(
            self, "int(x)", "Keep it an array; for indices, take int(ddtrain.autodiff.value_of(x))."
        )

    def item(self, *args: Any) -> NoReturn:
        """Refused: a Python number carries no derivative."""
        raise _loses_derivative(self, "x.item()", "Keep it an array; for printing, take ddtrain.autodiff.value_of(x).")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _loses_derivative(self, "Converting to a plain array", "Use ddtrain.numpy.array or ddtrain.numpy.stack.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None or method == "at":
            raise written_to(f"{ufunc.__name__}.at: " if method == "at" else "")
        if method == "__call__" and ufunc in COUNTERPARTS:
            return COUNTERPARTS[ufunc](*inputs, **kwargs)
        if ufunc in COUNTERPARTS:
            return call_method(ufunc, method, COUNTERPARTS[ufunc], *inputs, **kwargs)
        if getattr(np, name := ufunc.__name__, None) is not ufunc:
            raise no_rule_elsewhere(name)
        raise no_rule(name if method == "__call__" else f"{name}.{method}")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func not in COUNTERPARTS:
            raise no_rule(func.__name__)
        return COUNTERPARTS[func](*args, **kwargs)


def _no_branch(x: ArrayBox) -> ShapeError:
    why = "this trace is repeated for other values" if x.size == 1 else f"it has shape {x.shape}"
    return ShapeError(
        f"Python branches on the truth of a traced array, but {why}",
        remedy="Choose by np.where, or reduce by np.any, np.all first." if x.size != 1 else "Choose by np.where.",
        line=calling_line(sys._getframe(1)),
    )


def _loses_derivative(x: ArrayBox, what: str, remedy: str) -> DerivativeError:
    shape = f", of shape {x.shape}," if x.ndim else ""
    return DerivativeError(f"{what} of a traced value{shape} would lose its derivative", remedy=remedy)


register_box(ArrayBox, np.ndarray)
