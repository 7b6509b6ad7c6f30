"""Measures the parts of a step: data, forward, backward, wait, update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

from ddtrain.trainer.step.timeline import Timeline


class StepTimer:
    """Adds up the seconds of each part of a step, and reports them to the timeline, if there is one.

    Attributes
    ----------
    seconds : by part, of the last step; ``wait`` is communication that the backward pass did not hide
    timeline : None while nothing is traced
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("data", "forward", "backward", "wait", "update"), 0.0)
        self.timeline: Timeline | None = None

    def reset(self) -> None:
        """Begin a step: set all parts to 0."""
        self.seconds = dict.fromkeys(self.seconds, 0.0)

    def add(self, part: str, began: float, peers: Any = None) -> None:
        """Add the seconds of a part that has ended, without those in which other shards of this rank had their turn."""
        ended = perf_counter()
        away = getattr(peers, "suspended", ())
        if not away and self.timeline is None:
            self.seconds[part] += ended - began
            return
        for first, last in _between(began, ended, away):
            self.seconds[part] += last - first
            if self.timeline is not None:
                self.timeline.span(part, first, last)


def _between(began: float, ended: float, away: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The parts of a span that are left without the disjoint spans ``away`` inside it.

    >>> list(_between(1, 9, [(0, 0.5), (3, 4), (6, 7)]))
    [(1, 3), (4, 6), (7, 9)]
    """
    for left, back in away:
        if left >= began:
            yield began, left
            began = back
    yield began, ended
