"""Times that can be compared: contestants take turns in short blocks, in one process, after a warm-up.

A machine that others use, or that changes its clock, is slower for seconds at a time. Taking turns lets that fall
on all contestants alike; the median forgets what remains, and differences are taken pair by pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Seconds: TypeAlias = NDArray[np.float64]
Contestant: TypeAlias = Callable[[], Mapping[str, float]]
"""Does one step of its work and says how many seconds it took, and each part of it, by name."""

BLOCK = 5  # steps in a turn


def alternate(contestants: Sequence[Contestant], repeats: int, barrier: Callable[[], None]) -> dict[str, Seconds]:
    """Every figure of every contestant, measured ``repeats`` times.

    Parameters
    ----------
    contestants : their figures have different names
    barrier : called before each turn, so that no rank enters it late

    Returns
    -------
    (repeats,) seconds by name. The i-th figures of all contestants were measured close to each other. The first step
    of a turn does not count: its caches hold what belongs to another.

    >>> clock = iter(range(100))
    >>> times = alternate([lambda: {"a": next(clock)}, lambda: {"b": next(clock)}], 2, barrier=lambda: None)
    >>> times["a"], times["b"]
    (array([1., 2.]), array([4., 5.]))
    """
    found: dict[str, list[float]] = {}
    for start in range(0, repeats, BLOCK):
        for contestant in contestants:
            barrier()
            contestant()
            for _ in range(min(BLOCK, repeats - start)):
                for name, seconds in contestant().items():
                    found.setdefault(name, []).append(seconds)
    return {name: np.array(seconds, np.float64) for name, seconds in found.items()}


def quartiles(values: Seconds, unit: float = 1.0, digits: int = 4) -> dict[str, float]:
    """Median and quartiles, in units of ``unit`` seconds.

    >>> quartiles(np.array([1.0, 2.0, 3.0, 4.0, 50.0]) * 1e-3, unit=1e-3)
    {'median': 3.0, 'q1': 2.0, 'q3': 4.0}
    """
    q1, median, q3 = np.quantile(values / unit, [0.25, 0.5, 0.75]).round(digits).tolist()
    return {"median": median, "q1": q1, "q3": q3}
