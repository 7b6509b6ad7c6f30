"""Checks of a layer's arguments, widths and windows; errors name the layer and the argument."""

from __future__ import annotations

from typing import Any

from ddtrain.errors import UsageError, quoted
from ddtrain.ops.argument_checks import Pair, integer
from ddtrain.ops.argument_checks import number as _number
from ddtrain.ops.argument_checks import pair as _pair

__all__ = ["Pair", "check_groups", "number", "pair", "sizes"]


def sizes(layer: str, **given: Any) -> tuple[int, ...]:
    """The arguments as integers of at least 1, in order.

    >>> sizes("Linear", d_in=3, d_out=2)
    (3, 2)

    Raises
    ------
    UsageError : one of them is no integer, or less than 1
    """
    found = []
    for name, value in given.items():
        try:
            found.append(integer(value))
        except TypeError:
            raise UsageError(f"{layer}: {name} {quoted(value)} is not an integer") from None
        if found[-1] < 1:
            raise UsageError(f"{layer}: {name} {quoted(value)} is less than 1")
    return tuple(found)


def pair(layer: str, name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """``value`` or ``(value, value)`` as integers.

    Raises
    ------
    UsageError : it is neither an integer nor a pair of integers, or one is less than ``least``
    """
    return _pair(value, layer, name, least, UsageError)


def number(layer: str, name: str, value: Any, least: int = 1) -> int:
    """``value`` as an integer.

    >>> number("Conv1d", "padding", 0, least=0)
    0

    Raises
    ------
    UsageError : it is no integer, or less than ``least``
    """
    return _number(value, layer, name, least, UsageError)


def check_groups(layer: str, groups: int, c_in: int, c_out: int) -> None:
    """Raise unless groups divide both numbers of channels.

    Raises
    ------
    UsageError : naming both
    """
    if c_in % groups or c_out % groups:
        raise UsageError(f"{layer}: {groups} groups do not divide {c_in} input and {c_out} output channels")
