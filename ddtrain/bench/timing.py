"""Times that can be compared: contestants take turns in short blocks, in one process, after a warm-up.

A machine that others use, or that changes its clock, is slower for seconds at a time. Taking turns lets that fall
on all contestants alike; the median forgets what remains, and differences are taken pair by pair.

Note [Whole turns]
Ranks that share cores are timed by the turn, from the moment the first rank begins to the moment the last one ends.
Steps timed one by one would flatter them: most steps fall between two switches, and the rest of the time into a few.
The clock is the machine's, the same for all its processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm import Communicator

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


Turn: TypeAlias = Mapping[str, float]
"""When a rank began and ended, the steps in between, and the seconds of each part of them."""


def turn(step: Contestant, steps: int, barrier: Callable[[], None]) -> Turn:
    """Steps timed together (Note [Whole turns]).

    >>> turn(lambda: {"forward": 0.25}, 4, barrier=lambda: None)
    {'began': ..., 'ended': ..., 'steps': 4, 'forward': 1.0}
    """
    barrier()
    step()  # the first step of a turn does not count: the caches still hold another contestant's data
    parts: dict[str, float] = {}
    began = perf_counter()
    for _ in range(steps):
        for name, part in step().items():
            parts[name] = parts.get(name, 0.0) + part
    return {"began": began, "ended": perf_counter(), "steps": steps, **parts}


def step_seconds(ranks: Sequence[Sequence[Turn]]) -> Seconds:
    """(turns,) seconds a step, of turns that ranks took together: from the first start to the last end.

    >>> step_seconds([[{"began": 0.0, "ended": 1.0, "steps": 10}], [{"began": 0.5, "ended": 2.0, "steps": 10}]])
    array([0.2])
    """
    return np.array(
        [
            (max(turn["ended"] for turn in turns) - min(turn["began"] for turn in turns)) / turns[0]["steps"]
            for turns in zip(*ranks, strict=True)
        ]
    )


def steps_in_a_turn(comm: Communicator, step: Contestant, turn_s: float, warm_up: int, fewest: int) -> int:
    """How many steps fill a turn, after a warm-up: the same number on all ranks. Collective."""
    for _ in range(warm_up):
        started = perf_counter()
        step()
    slowest: float = max(comm.exchange_objects(perf_counter() - started))
    return max(fewest, round(turn_s / slowest))


def quartiles(values: Seconds, unit: float = 1.0, digits: int = 4) -> dict[str, float]:
    """Median and quartiles, in units of ``unit`` seconds.

    >>> quartiles(np.array([1.0, 2.0, 3.0, 4.0, 50.0]) * 1e-3, unit=1e-3)
    {'median': 3.0, 'q1': 2.0, 'q3': 4.0}
    """
    q1, median, q3 = np.quantile(values / unit, [0.25, 0.5, 0.75]).round(digits).tolist()
    return {"median": median, "q1": q1, "q3": q3}
