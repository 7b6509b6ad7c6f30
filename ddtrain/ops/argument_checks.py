"""Checks and conversions shared by the operations: shapes of arguments that may be traced, integer pairs, labels."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ddtrain.autodiff.core.checks import checked
from ddtrain.errors import DdtrainError, ShapeError

Pair = int | tuple[int, int]


def integer(value: Any) -> int:
    """``value`` as Python's integer: NumPy's are welcome, floats and truth values are not.

    Raises
    ------
    TypeError : it is something else
    """
    if isinstance(value, (bool, np.bool)):
        raise TypeError(f"{value!r} is a truth value")
    return operator.index(value)


def number(value: Any, op: str, name: str, least: int, error: type[DdtrainError] = ShapeError) -> int:
    """``value`` as an integer of at least ``least``; else ``error``.

    >>> number(2, "conv1d", "stride", 1)
    2
    """
    try:
        found = integer(value)
    except TypeError:
        raise error(f"{op}: {name} {value!r} is not an integer") from None
    if found < least:
        raise error(f"{op}: {name} {value!r} is less than {least}")
    return found


def pair(value: Any, op: str, name: str, least: int, error: type[DdtrainError] = ShapeError) -> tuple[int, int]:
    """``value`` or ``(value, value)``, both at least ``least``; else ``error``.

    >>> pair(2, "conv2d", "stride", 1)
    (2, 2)
    """
    try:
        first, second = (integer(v) for v in (value if np.iterable(value) else (value, value)))
    except (TypeError, ValueError):
        raise error(f"{op}: {name} {value!r} is neither an integer nor a pair of integers") from None
    if min(first, second) < least:
        raise error(f"{op}: {name} {value!r} is less than {least}")
    return first, second


def check_rank(op: str, name: str, x: Any, ndim: int, remedy: str = "") -> None:
    """Raise unless ``x`` has ``ndim`` axes; ``name`` ends in one letter an axis, e.g. ``x_NHWC``."""
    if x.ndim != ndim:
        raise ShapeError(f"{op}: {name} has {x.ndim} axes, not {ndim}: shape {x.shape}", remedy=remedy)


def check_vector(op: str, name: str, v: Any, size: int, of: str) -> None:
    """Raise unless ``v`` has shape ``(size,)``; ``of`` says where the size comes from."""
    if v.shape != (size,):
        raise ShapeError(
            f"{op}: {name} has shape {v.shape} but {of} has {size} channels", remedy=f"Give it shape ({size},)."
        )


def check_indices(op: str, one: str, many: str, indices: Any, size: int, remedy: str) -> None:
    """Raise unless ``indices`` is an array of integers in [0, size), naming the first that is not.

    ``one`` and ``many`` are what to call them: label and labels.
    """
    if indices.dtype.kind not in "iu":
        raise ShapeError(f"{op}: {many} have dtype {indices.dtype}, not integers", remedy="Convert: .astype(np.int64).")
    checked(f"check {many}", _check_range, op, one, indices, size, remedy)


def _check_range(op: str, one: str, indices: Any, size: int, remedy: str) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        wrong = (indices < 0) | (indices >= size)
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        position = place[0] if len(place) == 1 else place
        raise ShapeError(
            f"{op}: {one} {indices[place]} at position {position} is outside [0, {size})"
            f" ({int(wrong.sum())} of {indices.size} are)",
            remedy=remedy,
        )
