"""The box of arrays: a traced value that looks and feels like a NumPy array.

Its operators and methods are the differentiable functions. NumPy's own functions, called on a traced value, arrive at
``__array_ufunc__`` and ``__array_function__`` and are sent to ours through one table. What a traced array refuses to do
stands in ``unsupported.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ddtrain.autodiff import register_box, value_of
from ddtrain.errors import DerivativeError
from ddtrain.numpy.along_axes import reductions, scans, sorting
from ddtrain.numpy.dispatch.missing_rules import no_rule, no_rule_elsewhere
from ddtrain.numpy.dispatch.ufunc_methods import call_method
from ddtrain.numpy.dispatch.unsupported import Unsupported, only_plain
from ddtrain.numpy.elementwise import arithmetic, casts, choices, comparisons, complex_numbers, floating_point
from ddtrain.numpy.inplace import written_to
from ddtrain.numpy.manipulation import axes, indexing, selections, shapes
from ddtrain.numpy.products import matrix_products

COUNTERPARTS: dict[Any, Any] = {}  # NumPy's function -> ours; filled in by counterparts.py


class ArrayBox(Unsupported):
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
    mT = property(lambda self: axes.matrix_transpose(self))
    real = property(lambda self: complex_numbers.real(self))
    imag = property(lambda self: complex_numbers.imag(self))

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
    __getitem__ = indexing.item

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
        return floating_point.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return floating_point.divmod(other, self)

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
    argpartition = sorting.argpartition
    argsort = comparisons.argsort
    astype = casts.astype
    clip = choices.clip
    conj = complex_numbers.conjugate
    conjugate = complex_numbers.conjugate
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
    repeat = axes.repeat
    round = comparisons.round
    searchsorted = comparisons.searchsorted
    squeeze = axes.squeeze
    std = reductions.std
    sum = reductions.sum
    swapaxes = axes.swapaxes
    take = indexing.take
    trace = matrix_products.trace
    var = reductions.var

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The same entries in another shape."""
        return shapes.reshape(self, shape[0] if len(shape) == 1 else shape, order)

    def transpose(self, *order: Any) -> Any:
        """The axes in another order, by default reversed."""
        return shapes.transpose(self, order[0] if len(order) == 1 else order or None)

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __format__(self, spec: str) -> str:
        return format(value_of(self)[()], spec) if spec else str(self)

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


# one property for each name, because __getattr__ would slow down every attribute of a box
for _name in dir(np.ndarray):
    if not _name.startswith("_") and not hasattr(ArrayBox, _name):
        setattr(ArrayBox, _name, only_plain(_name))


def _whole(x: Any) -> Any:
    """A rounded number as an integer, as Python rounds: constant, and fit for indices."""
    return casts.astype(x, int)


register_box(ArrayBox, np.ndarray)
