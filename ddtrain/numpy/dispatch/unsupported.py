"""What a traced array does not do: whatever would write into it, lose its derivative, or branch on its value.

Each of these raises an error that says what to write instead.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import numpy as np

from ddtrain.autodiff import Box, value_of
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.numpy.inplace import written_to
from ddtrain.user_lines import calling_line, library_call


class Unsupported(Box):
    """The operators and methods of an array that a traced one refuses."""

    __slots__ = ()

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise written_to(shape=self.value.shape)

    def sort(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: the method sorts in place."""
        raise DerivativeError("x.sort() sorts a traced array in place", remedy="Use x = np.sort(x).")

    def partition(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: the method sorts in place."""
        raise DerivativeError("x.partition() sorts a traced array in place", remedy="Use x = np.partition(x, kth).")

    def _written(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: the method writes into the array."""
        raise written_to(shape=self.value.shape)

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

    def __bool__(self) -> bool:
        if self.value.size != 1 or not self._trace.branches:
            raise _no_branch(self)
        self._trace.asked("branches on the truth of an array")
        return bool(self.value)


def only_plain(name: str) -> property:
    """An attribute that only a plain array has."""

    def get(x: Box) -> NoReturn:
        message = f"a traced array has no {name!r}: ddtrain.autodiff.value_of(x) has, and is constant"
        raise AttributeError(message, name=name, obj=x)

    return property(get)


def _no_branch(x: Box) -> ShapeError:
    why = "this trace is repeated for other values" if x.value.size == 1 else f"it has shape {x.value.shape}"
    return ShapeError(
        f"Python branches on the truth of a traced array, but {why}",
        remedy="Choose by np.where, or reduce by np.any, np.all first." if x.value.size != 1 else "Choose by np.where.",
        line=calling_line(sys._getframe(1)),
    )


def _loses_derivative(x: Box, what: str, remedy: str) -> DerivativeError:
    shape = f", of shape {x.value.shape}," if x.value.ndim else ""
    frame = sys._getframe(2)  # the frame of the code that asked for it
    if library := library_call(frame):
        what, remedy = f"{library}: {what[0].lower()}{what[1:]}", _REMEDY_ELSEWHERE
    line = {"line": line} if (line := calling_line(frame)) else {}
    return DerivativeError(f"{what} of a traced value{shape} would lose its derivative", remedy=remedy, **line)


_REMEDY_ELSEWHERE = (
    "Use its counterpart in ddtrain.numpy or ddtrain.scipy, compose it of functions that are there, or make a "
    "primitive of it, with rules."
)
