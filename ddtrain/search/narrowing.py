"""After a search: whether its best trial lies on the border of the space, and where to look next."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ddtrain.search.ranges import Choices, Dimension, Range
from ddtrain.search.space import Space
from ddtrain.search.trials import Outcome, ranked

TIMES = 4.0  # how much finer the next range is
_GOOD = 0.25  # share of trials whose choices are kept
Allowed = Callable[[str, Any], bool]


def narrowed(space: Space, outcomes: Sequence[Outcome], allowed: Allowed) -> Space:
    """The next, finer space: a quarter of each range around the best trial, and the choices of the best quarter.

    Where the best trial lies on the border, the range goes on beyond it, as far as the option allows.

    Parameters
    ----------
    outcomes : of trials, of which at least one has not failed
    allowed : whether an option (by name) may have a value

    >>> space = Space((Range("optim.lr", 1e-4, 1.0, log=True), Choices("model.hidden", (32, 64))))
    >>> tried = [Outcome(0, {"optim.lr": 0.9, "model.hidden": 64}, 1, 0.1), Outcome(1, {"optim.lr": 0.01}, 1, 0.2)]
    >>> [str(dimension) for dimension in narrowed(space, tried, lambda key, value: True).dimensions]
    ['0.285 to 2.85', '64']
    """
    good = ranked(outcomes)
    good = good[: max(1, math.ceil(_GOOD * len(good)))]

    def finer(dimension: Dimension) -> Dimension:
        if isinstance(dimension, Choices):
            return dimension.kept([outcome.values[dimension.key] for outcome in good])
        return dimension.narrowed(good[0].values[dimension.key], TIMES, lambda value: allowed(dimension.key, value))

    return Space(tuple(map(finer, space.dimensions)))


def on_border(space: Space, best: Outcome, following: Space) -> Iterator[str]:
    """A line for each option whose best value lies on the border of what was tried.

    >>> space = Space((Range("optim.lr", 1e-4, 1.0, log=True),))
    >>> best = Outcome(0, {"optim.lr": 0.9}, 1, 0.1)
    >>> list(on_border(space, best, narrowed(space, [best], lambda key, value: True)))
    ['the best optim.lr, 0.9, lies on the border of its range 0.0001 to 1: try 0.285 to 2.85']
    """
    for dimension, after in zip(space.dimensions, following.dimensions):
        value = best.values[dimension.key]
        side = dimension.on_border(value)
        if side and isinstance(dimension, Choices):
            end, more = ("least", "smaller") if side == "low" else ("greatest", "larger")
            yield f"the best {dimension.key}, {value}, is the {end} of its choices {dimension}: try {more} ones"
        elif side and isinstance(after, Range) and isinstance(dimension, Range):
            beyond = after.low < dimension.low if side == "low" else after.high > dimension.high
            then = f"try {after}" if beyond else f"the option allows no more; closer by, try {after}"
            yield f"the best {dimension.key}, {value:.3g}, lies on the border of its range {dimension}: {then}"
