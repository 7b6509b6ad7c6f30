"""The box of arrays: a traced value that looks and feels like a NumPy array.

Its operators and methods are the differentiable functions. NumPy's own functions, called on a traced value, arrive at
``__array_ufunc__`` and ``__array_function__`` and are sent to ours through one table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from ddtrain.autodiff import Box, register_box, value_of
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.numpy._missing import no_rule, no_rule_elsewhere
from ddtrain.numpy.along_axes import order_statistics, reductions, scans
from ddtrain.numpy.elementwise import arithmetic, casts, choices, comparisons, complexes, floats
from ddtrain.numpy.inplace import written_to
from ddtrain.numpy.manipulation import indexing, selections, shapes
from ddtrain.numpy.products import matrix_products
from ddtrain.numpy.ufuncs import call_method
from ddtrain.source import calling_line, library_call

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
    itemsize = property(lambda self: self.value.itemsize)
    nbytes = property(lambda self: self.value.nbytes)
    flat = property(lambda self: shapes.ravel(self))
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
    __matmul__ = matrix_products.matmul
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
        return matrix_products.matmul(other, self)

    def __divmod__(self, other: Any) -> Any:
        return floats.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return floats.divmod(other, self)

    def __round__(self, ndigits: int | None = None) -> Any:
        return _whole(comparisons.round(self)) if ndigits is None else comparisons.round(self, ndigits)

    def __floor__(self) -> Any:
        return _whole(comparisons.floor(self))

    def __ceil__(self) -> Any:
        return _whole(comparisons.ceil(self))

    def __trunc__(self) -> Any:
        return _whole(comparisons.trunc(self))

    all = comparisons.all
    any = comparisons.any
    argmax = comparisons.argmax
    argmin = comparisons.argmin
    argpartition = order_statistics.argpartition
    argsort = comparisons.argsort
    astype = casts.astype
    clip = choices.clip
    conj = complexes.conjugate
    conjugate = complexes.conjugate
    cumprod = scans.cumprod
    cumsum = scans.cumsum
    diagonal = indexing.diagonal
    dot = matrix_products.dot
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
    trace = matrix_products.trace
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

    def copy(self, order: str = "C") -> Any:
        """The value itself: traced arrays are never written to, and have no layout of their own."""
        return self

    def view(self, dtype: Any = None) -> Any:
        """The value itself."""
        if dtype is None or np.dtype(dtype) == self.dtype:
            return self
        remedy = "Convert by astype, or take np.real and np.imag."
        raise DerivativeError(f"x.view({dtype}) reads the bytes of a traced value anew", remedy=remedy)

    def tolist(self) -> Any:
        """Nested lists of the entries, each a traced number."""
        return [part.tolist() for part in self] if self.ndim else self

    def __len__(self) -> int:
        return len(self.value)

    def __contains__(self, value: Any) -> bool:
        return bool(comparisons.any(comparisons.equal(self, value)))

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.size != 1 or not self._trace.branches:
            raise _no_branch(self)
        return bool(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __format__(self, spec: str) -> str:
        return format(value_of(self)[()], spec) if spec else str(self)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise written_to(shape=self.shape)

    def sort(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: the method sorts in place."""
        raise DerivativeError("x.sort() sorts a traced array in place", remedy="Use x = np.sort(x).")

    def partition(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: the method sorts in place."""
        raise DerivativeError("x.partition() sorts a traced array in place", remedy="Use x = np.partition(x, kth).")

    def _written(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: the method writes into the array."""
        raise written_to(shape=self.shape)

    fill = put = resize = setfield = _written

    def __float__(self) -> float:
        raise _loses_derivative(self, "float(x)", "Keep it an array; for printing, take ddtrain.autodiff.value_of(x).")

    def __complex__(self) -> complex:
        raise _loses_derivative(self, "complex(x)", "Use x.astype(complex).")

    def __int__(self) -> int:
        raise _loses_derivative(
            self, "int(x)", "Keep it an array; for indices, take int(ddtrain.autodiff.value_of(x))."
        )

    def item(self, *args: Any) -> NoReturn:
        """Refused: a Python number carries no derivative."""
        raise _loses_derivative(self, "x.item()", "Keep it an array; for printing, take ddtrain.autodiff.value_of(x).")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Whole numbers and truths, such as np.int64(x): their derivative is zero, as that of astype. Else refused."""
        kind = "" if dtype is None else np.dtype(dtype).kind
        if kind and kind in "biu" and self._trace.branches:
            return value_of(self).astype(dtype)
        into = "a plain array" if dtype is None else f"a plain array of {np.dtype(dtype)}"
        astype = f"x.astype({np.dtype(dtype).name!r}), or " if kind and kind in "biufc" else ""
        raise _loses_derivative(
            self, f"Converting to {into}", f"Use {astype}ddtrain.numpy.array or ddtrain.numpy.stack."
        )

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


def _only_plain(name: str) -> property:
    def get(x: ArrayBox) -> NoReturn:
        message = f"a traced array has no {name!r}: ddtrain.autodiff.value_of(x) has, and is constant"
        raise AttributeError(message, name=name, obj=x)

    return property(get)


for _name in dir(np.ndarray):  # rather than __getattr__, under which all attributes of a box are slower
    if not _name.startswith("_") and not hasattr(ArrayBox, _name):
        setattr(ArrayBox, _name, _only_plain(_name))


def _no_branch(x: ArrayBox) -> ShapeError:
    why = "this trace is repeated for other values" if x.size == 1 else f"it has shape {x.shape}"
    return ShapeError(
        f"Python branches on the truth of a traced array, but {why}",
        remedy="Choose by np.where, or reduce by np.any, np.all first." if x.size != 1 else "Choose by np.where.",
        line=calling_line(sys._getframe(1)),
    )


def _loses_derivative(x: ArrayBox, what: str, remedy: str) -> DerivativeError:
    shape = f", of shape {x.shape}," if x.ndim else ""
    frame = sys._getframe(2)  # of whoever asked for it
    if library := library_call(frame):
        what, remedy = f"{library}: {what[0].lower()}{what[1:]}", _REMEDY_ELSEWHERE
    line = {"line": line} if (line := calling_line(frame)) else {}
    return DerivativeError(f"{what} of a traced value{shape} would lose its derivative", remedy=remedy, **line)


_REMEDY_ELSEWHERE = (
    "Use its counterpart in ddtrain.numpy or ddtrain.scipy, compose it of functions that are there, or make a "
    "primitive of it, with rules."
)


def _whole(x: Any) -> Any:
    """A rounded number as an integer, as Python rounds: constant, and fit for indices."""
    return casts.astype(x, int)


register_box(ArrayBox, np.ndarray)
