"""Limits and ticks of axes: those of ordinary values, so that a run that explodes does not ruin the picture.

Note [Robust limits]
An ordinary value is of the size that a curve begins with, or of its lower quartile: up to four times its first value,
or ten times the quartile. A curve that explodes at its end keeps both, whatever it ends with. One whose median is a
hundred times its beginning has exploded early, and has no say where another has not. Values within -1 and 1 are always
ordinary: they cannot ruin a picture of accuracies. What is left out is drawn at the edge, and said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DECADES = 3  # positive values over so many decades are drawn on a logarithmic axis
_FEW = 0.02  # fraction of values that make no decade: the luckiest batches, the end of a schedule


@dataclass(frozen=True)
class Limits:
    """What an axis shows, and how.

    >>> axis = Limits(1.0, 100.0, log=True)
    >>> float(axis.place(10.0)), axis.ticks()
    (0.5, [1.0, 10.0, 100.0])
    """

    low: float
    high: float
    log: bool = False

    def place(self, value: Any) -> Any:
        """Where a value stands, from 0 to 1; beyond these if it is beyond the limits."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        value = np.log10(np.maximum(value, np.finfo(float).tiny))
        low, high = math.log10(self.low), math.log10(self.high)
        return (value - low) / (high - low)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values within the limits."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**n for n in range(first, last + 1, max(1, math.ceil((last - first + 1) / most)))]
        step = _round_step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


def of_curves(curves: Sequence[NDArray[Any]]) -> Limits:
    """The limits of an axis for several curves (Note [Robust limits]).

    >>> of_curves([np.array([2.0, 1.0, 1e30, np.nan])]).high < 10
    True
    """
    finite = [y[np.isfinite(y)] for y in curves]
    finite = [y for y in finite if len(y)]
    if not finite:
        return Limits(0.0, 1.0)
    tame = [y for y in finite if not _exploded(y)] or finite
    most = max(1.0, *(_ordinary(y) for y in tame))
    shown = np.concatenate(finite)
    shown = shown[np.abs(shown) <= most]  # not empty: one of each tame curve's values is its first
    low, high = float(shown.min()), float(shown.max())
    if low > 0 and high / float(np.quantile(shown, _FEW)) >= 10**_DECADES:
        return Limits(low, high, log=True)
    return Limits(*_widened(low, high))


def of_all(curves: Sequence[NDArray[Any]]) -> Limits:
    """The limits of an axis that shows every finite value of several curves, logarithmic over :data:`_DECADES`.

    >>> of_all([np.array([0.01, 50.0, np.inf])])
    Limits(low=0.01, high=50.0, log=True)
    """
    finite = np.concatenate([y[np.isfinite(y)] for y in curves] or [np.zeros(0)])
    if not len(finite):
        return Limits(0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    return Limits(low, high, log=True) if 0 < low * 10**_DECADES <= high else Limits(*_widened(low, high))


def of_steps(curves: Sequence[NDArray[Any]]) -> Limits:
    """The limits of the axis of steps, from the first to the last."""
    steps = np.concatenate([x for x in curves if len(x)] or [np.zeros(1)])
    first, last = float(steps.min()), float(steps.max())
    return Limits(first, last) if first < last else Limits(first - 0.5, first + 0.5)


def _ordinary(y: NDArray[Any]) -> float:
    sizes = np.abs(y)
    return max(4 * float(sizes[0]), 10 * float(np.quantile(sizes, 0.25)))


def _exploded(y: NDArray[Any]) -> bool:
    return float(np.median(np.abs(y))) > 100 * max(abs(float(y[0])), 1.0)


def _widened(low: float, high: float) -> tuple[float, float]:
    """A little more than the values on both sides, but not beyond 0, where they end there."""
    margin = 0.04 * (high - low) or 0.1 * abs(high) or 0.5
    down = low - margin if low < 0 or low > margin else 0.0
    return down, high + margin


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, the smallest from ``least`` on."""
    power = 10.0 ** math.floor(math.log10(least))
    return power * next(k for k in (1, 2, 5, 10) if k * power >= least * (1 - 1e-9))


def label(value: float) -> str:
    """A tick's number, in full where that is short.

    >>> label(20000.0), label(0.30000000000000004), label(1e-6)
    ('20,000', '0.3', '1e-06')
    """
    return f"{value:,.6g}" if value == 0 or 1e-4 <= abs(value) < 1e6 else f"{value:.4g}"


def text_of(value: float, digits: int = 4) -> str:
    """A number for people.

    >>> text_of(0.123456), text_of(1234567.0), text_of(float("nan"))
    ('0.1235', '1.235e+06', 'NaN')
    """
    return f"{value:.{digits}g}" if math.isfinite(value) else "NaN" if math.isnan(value) else f"{value:+}"
