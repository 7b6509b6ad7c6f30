"""Arguments and results of operators: structures for the user, flat lists of leaves for the trace.

Arguments are chosen by position, taken apart into leaves, checked and put back. A result is one array, or a structure
whose floating arrays travel through the trace side by side, see ``outputs.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from inspect import unwrap
from operator import index
from typing import Any, SupportsIndex

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import BOXES
from ddtrain.autodiff.core.mutation_check import fingerprint
from ddtrain.autodiff.core.outputs import pack, unpack
from ddtrain.errors import DdtrainError, DerivativeError, ShapeError
from ddtrain.user_lines import user_line

Argnum = SupportsIndex | Sequence[SupportsIndex]


def called(fun: Callable[..., Any]) -> str:
    """The name of a function for a message; a lambda is told from others by its line."""
    name = getattr(fun, "__name__", type(fun).__name__)
    # a derivative has the name of its function, so look at the function inside
    code = getattr(unwrap(fun), "__code__", None)
    if name == "<lambda>" and code is not None:
        return f"the lambda of {os.path.basename(code.co_filename)}:{code.co_firstlineno}"
    return str(name)


def as_array(x: Any) -> Any:
    """``x`` itself if it is traced, or else a plain array of it."""
    return x if type(x) in BOXES else np.asarray(x)


def is_floating(x: Any) -> bool:
    """Whether ``x`` is made of real or complex numbers, traced or not."""
    return type(x) in BOXES or (x.dtype if isinstance(x, np.ndarray) else np.asarray(x).dtype).kind in "fc"


def positions_of(argnum: Argnum) -> tuple[tuple[int, ...], bool]:
    """The positions that ``argnum`` names, and whether it is a single integer (of any type, such as np.int64).

    >>> positions_of(np.int64(1)), positions_of([0, 2])
    (((1,), True), ((0, 2), False))
    """
    try:
        return (index(argnum),), True  # type: ignore[arg-type]
    except TypeError:
        return tuple(map(index, argnum)), False  # type: ignore[arg-type]


class Arguments:
    """``fun`` as a function of the leaves of its arguments ``argnum``, the others held fixed.

    Attributes
    ----------
    leaves : floating arrays or boxes, those of dicts in sorted order
    rebuild : makes the structure of the argument of such a list (a tuple of structures for several argnums)
    """

    rebuild: Callable[[list[Any]], Any]
    __slots__ = ("argnum", "args", "before", "fun", "kwargs", "leaves", "operator", "rebuild")

    def __init__(
        self, operator: str, fun: Callable[..., Any], argnum: Argnum, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        self.operator, self.fun, self.args, self.kwargs = operator, fun, args, kwargs
        chosen = self._choose(argnum)
        if type(chosen) is np.ndarray or type(chosen) in BOXES or type(chosen) is float:
            leaves, self.rebuild = [chosen], _only
        else:
            leaves, self.rebuild = tree.flatten(chosen)
        self.leaves = [x if type(x) in BOXES else np.asarray(x) for x in leaves]
        if any(x.dtype.kind not in "fc" for x in self.leaves):
            raise self._not_floating(chosen)
        for k, (old, new) in enumerate(zip(leaves, self.leaves)):
            if new is not old and isinstance(old, np.ma.MaskedArray | np.matrix):
                raise self._not_plain(k, type(old).__name__)
        # a Python number became a new array, which nobody else can change: no fingerprint needed
        self.before = [None if new is not old else fingerprint(new) for old, new in zip(leaves, self.leaves)]

    def _choose(self, argnum: Any) -> Any:
        # indexing a range accepts negative positions and refuses what is not an integer
        positions = range(len(self.args))
        try:
            several, single = ((argnum,), True) if type(argnum) is int else positions_of(argnum)
            if single:
                self.argnum: int | tuple[int, ...] = positions[several[0]]
                return self.args[self.argnum]
            self.argnum = tuple(positions[i] for i in several)
            return tuple(self.args[i] for i in self.argnum)
        except IndexError:
            raise DerivativeError(
                f"{self.operator}: argnum {argnum}, but {called(self.fun)} was called with {len(self.args)} arguments",
                remedy="Pass what is differentiated by position.",
            ) from None
        except TypeError:
            raise DerivativeError(
                f"{self.operator}: argnum {argnum!r} is neither a position nor a sequence of positions",
                remedy="grad_named takes the name of an argument.",
            ) from None

    def __call__(self, *leaves: Any) -> Any:
        try:
            return self._called_with(*leaves)
        except (TypeError, ValueError) as error:
            line = user_line(error.__traceback__)
            if isinstance(error, DdtrainError):
                # called() names a lambda by its line, so do not say the line twice
                own_line = line and getattr(self.fun, "__name__", "") == "<lambda>"
                error.at(function="" if own_line else called(self.fun), line=line)
            # NumPy found a traced value where it needed a plain number
            if isinstance(error.__cause__, DerivativeError):
                raise self._written_into_plain(line) from error
            if type(error) is ValueError and str(error).startswith("The truth value of an array"):
                raise self._branches_on_several(line) from error
            raise

    def _written_into_plain(self, line: str) -> DerivativeError:
        return DerivativeError(
            f"{self.operator}: {called(self.fun)} puts a traced value into a plain array, where its derivative is lost",
            remedy="Make the array of its entries instead: np.stack, np.concatenate or np.where.",
            line=line,
        )

    def _branches_on_several(self, line: str) -> ShapeError:
        shapes = ", ".join(f"{self.place(k)}, shape {x.shape}" for k, x in enumerate(self.leaves[:3]))
        return ShapeError(
            f"{self.operator}: {called(self.fun)} branches in Python on the truth of an array of several entries "
            f"({shapes})",
            remedy="Choose by np.where, or reduce by np.any, np.all first.",
            line=line,
        )

    def _called_with(self, *leaves: Any) -> Any:
        args, k = self.args, self.argnum
        if type(k) is int:
            chosen = leaves[0] if self.rebuild is _only else self.rebuild(list(leaves))
            return self.fun(*args[:k], chosen, *args[k + 1 :], **self.kwargs)
        full = list(args)
        for i, value in zip(k, self.rebuild(list(leaves))):  # type: ignore[arg-type]
            full[i] = value
        return self.fun(*full, **self.kwargs)

    def place(self, k: int) -> str:
        """The place of leaf ``k``, for messages: ``argument 0['w'][1] of loss``."""
        where = [f"{i}{path}" for i in self._positions() for path in tree.paths(self.args[i])]
        return f"argument {where[k]} of {called(self.fun)}"

    def _positions(self) -> list[int]:
        return [self.argnum] if isinstance(self.argnum, int) else list(self.argnum)

    def _not_floating(self, chosen: Any) -> DerivativeError:
        k, x = next((k, x) for k, x in enumerate(self.leaves) if x.dtype.kind not in "fc")
        numbers = x.dtype.kind in "biu"
        remedy = "Pass floating-point numbers, e.g. x.astype(float)" if numbers else "Pass arrays of numbers"
        return DerivativeError(
            f"{self.operator}: cannot differentiate with respect to {self.place(k)}, "
            f"of dtype {x.dtype}, shape {x.shape}",
            remedy=f"{remedy}, or leave it out of what is differentiated.",
        )

    def _not_plain(self, k: int, kind: str) -> DerivativeError:
        return DerivativeError(
            f"{self.operator}: {self.place(k)} is a {kind}, whose mask or products a trace would not follow",
            remedy="Pass np.asarray of it, and the mask by np.where.",
        )

    def refuse_whole(self, out: Any) -> None:
        """Raise if a result is one array of integers or booleans: its derivative is zero wherever it has one.

        For operators that return this derivative; a product with it may be one of many, and is simply zero.
        """
        if hasattr(out, "dtype") and out.dtype.kind not in "fc":  # a single integer or boolean result
            raise DerivativeError(
                f"{self.operator}: {called(self.fun)} returned dtype {out.dtype}, shape {out.shape}, which has no "
                "derivative",
                remedy="Return floating-point numbers: counts, positions, comparisons and astype(int) are constant.",
            )

    def check_unchanged(self) -> None:
        """Raise if an argument was written to since the call began, see Note [Mutated arguments]."""
        for k, (x, before) in enumerate(zip(self.leaves, self.before)):
            if before is not None and fingerprint(x) != before:
                raise DerivativeError(
                    f"{self.operator}: {self.place(k)}, shape {x.shape}, was written to after the function took it, "
                    "and its derivative can no longer be known",
                    remedy="Write to a copy (x = x.copy(), or x = x + y for x += y), or later.",
                )

    def written_beside(self, name: str, x: Any, step: str) -> DerivativeError:
        """The error for an array that was written to after a step used it, see Note [Mutated arguments]."""
        return DerivativeError(
            f"{self.operator}: {name} of {called(self.fun)}, shape {x.shape}, was written to after {step} used it, "
            "and the derivative can no longer be known",
            remedy="Write to a copy (x = x.copy(), or x = x + y for x += y), or later.",
        )


def _only(leaves: list[Any]) -> Any:
    return leaves[0]


class Result:
    """Carries the result of a function through a trace as one value.

    Attributes
    ----------
    rebuild : makes the structure of its leaves; None if the result is one array
    leaves : the structure's leaves; ``moving`` are the positions of the floating ones
    """

    __slots__ = ("fun", "leaves", "moving", "operator", "rebuild")

    def __init__(self, operator: str, fun: Callable[..., Any]) -> None:
        self.operator, self.fun = operator, fun
        self.rebuild: Callable[[list[Any]], Any] | None = None

    def take(self, out: Any) -> Any:
        """The value that represents ``out`` in the trace."""
        if type(out) in BOXES or type(out) is np.ndarray:
            return out
        leaves, rebuild = tree.flatten(out)
        if len(leaves) == 1 and leaves[0] is out:
            out = np.asarray(out)
            if out.dtype.kind not in "fcbiu":
                raise DerivativeError(
                    f"{self.operator}: {called(self.fun)} returned {leaves[0]!r:.40}, not an array of numbers",
                    remedy="Does it end with return?",
                )
            return out
        self.leaves, self.rebuild = leaves, rebuild
        self.moving = [k for k, leaf in enumerate(leaves) if is_floating(leaf)]
        return pack(*[leaves[k] for k in self.moving])

    def give(self, out: Any) -> Any:
        """The result that ``out`` represents."""
        if self.rebuild is None:
            return as_array(out)
        leaves = list(self.leaves)
        for k, part in zip(self.moving, unpack(out), strict=True):
            leaves[k] = as_array(part)
        return self.rebuild(leaves)
