"""What one option of a search may be: a range, uniform or log-uniform, or a list of choices.

Every value has a place between 0 and 1: even steps of it are even steps of the value, or of its logarithm. So to draw,
to lay out a grid and to narrow a range are arithmetic on places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

BORDER = 0.05  # a value that is nearer than this to an end of its range, as a share of it, lies on the border
_DIGITS = 3  # of the ends of a narrowed range, so that they can be read


@dataclass(frozen=True)
class Range:
    """The numbers from ``low`` to ``high``.

    Parameters
    ----------
    key : the option's name, such as ``optim.lr``
    log : whether the logarithm is uniform rather than the number
    whole : whether the numbers are integers, each as likely as its share of the range says

    >>> lr = Range("optim.lr", 1e-4, 1.0, log=True)
    >>> lr.at(0.0), lr.at(0.5), lr.at(1.0)
    (0.0001, 0.01, 1.0)
    >>> [Range("model.layers", 1, 3, whole=True).at(u) for u in (0.0, 0.3, 0.4, 1.0)]
    [1, 1, 2, 3]
    """

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def at(self, place: float) -> float:
        """The value at a place from 0 to 1."""
        value = self._beyond(place)
        return min(max(math.floor(value + 0.5) if self.whole else value, self.low), self.high)

    def place(self, value: float) -> float:
        """The place of a value; an integer stands in the middle of its share."""
        low, high = self._edges
        return math.log(value / low) / math.log(high / low) if self.log else (value - low) / (high - low)

    def grid(self, points: int) -> list[Any]:
        """So many values in even steps, both ends among them; of integers each once.

        >>> Range("optim.lr", 0.001, 1.0, log=True).grid(4)
        [0.001, 0.01, 0.1, 1.0]
        """
        values = (_readable(self.at(k / max(points - 1, 1)), self) for k in range(points))
        return list(dict.fromkeys(min(max(value, self.low), self.high) for value in values))

    def on_border(self, value: float) -> str:
        """``"low"`` or ``"high"`` where a value lies on the border; else empty.

        >>> Range("optim.lr", 1e-4, 1.0, log=True).on_border(0.9)
        'high'
        """
        if value == self.low or (not self.whole and self.place(value) < BORDER):
            return "low"
        return "high" if value == self.high or (not self.whole and self.place(value) > 1 - BORDER) else ""

    def narrowed(self, around: float, times: float, allowed: Callable[[float], bool]) -> Range:
        """A finer range around a value, beyond the old end if the value lies on the border and the option allows it.

        >>> Range("optim.lr", 1e-4, 1.0, log=True).narrowed(0.01, 4, lambda value: True)
        Range(key='optim.lr', low=0.00316, high=0.0316, log=True, whole=False)
        """
        half, middle = 0.5 / times, self.place(around)
        if not self.on_border(around):
            middle = min(max(middle, half), 1 - half)
        low, high = (self._end(middle + side, self.low if side < 0 else self.high, allowed) for side in (-half, half))
        if self.whole:
            high = max(high, low + 1) if allowed(max(high, low + 1)) else high
        return replace(self, low=low, high=high) if low < high else self

    def _end(self, place: float, old: float, allowed: Callable[[float], bool]) -> float:
        """The value at a place, or the old end where the option does not allow it."""
        value = _readable(self._beyond(place), self)
        return value if allowed(value) else old

    @property
    def _edges(self) -> tuple[float, float]:
        return (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)

    def _beyond(self, place: float) -> float:
        low, high = self._edges
        return low * (high / low) ** place if self.log else low + (high - low) * place

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    @property
    def table(self) -> dict[str, Any]:
        """The range as a file has it."""
        return {"log_uniform" if self.log else "uniform": [self.low, self.high]}


def _readable(value: float, of: Range) -> float:
    """A value with as few digits as tell it from others of its range."""
    if of.whole:
        return math.floor(value + 0.5)
    if value == 0 or not math.isfinite(value):
        return value
    finest = abs(value) * min(1.0, math.log(of.high / of.low)) if of.log else of.high - of.low
    return round(value, _DIGITS - 1 - math.floor(math.log10(finest)))


@dataclass(frozen=True)
class Choices:
    """Some values, each as likely as the others.

    >>> hidden = Choices("model.hidden", (32, 64, 128))
    >>> hidden.at(0.5), hidden.on_border(128)
    (64, 'high')
    """

    key: str
    values: tuple[Any, ...]

    def at(self, place: float) -> Any:
        """The value at a place from 0 to 1."""
        return self.values[min(int(place * len(self.values)), len(self.values) - 1)]

    def place(self, value: Any) -> float:
        """The place of a value, from 0 to 1; in the middle if there is no other."""
        return self.values.index(value) / (len(self.values) - 1) if len(self.values) > 1 else 0.5

    def grid(self, points: int) -> list[Any]:
        """All of them."""
        return list(self.values)

    def on_border(self, value: Any) -> str:
        """``"low"`` or ``"high"`` where a number is the least or the greatest of three or more; else empty."""
        numbers = [x for x in self.values if type(x) in (int, float)]
        if len(numbers) < max(len(self.values), 3):
            return ""
        return "low" if value == min(numbers) else "high" if value == max(numbers) else ""

    def kept(self, wanted: Sequence[Any]) -> Choices:
        """Those that are wanted, in their order."""
        return replace(self, values=tuple(value for value in self.values if value in wanted))

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))

    @property
    def table(self) -> dict[str, Any]:
        """The choices as a file has them."""
        return {"choices": list(self.values)}


Dimension: TypeAlias = Range | Choices
