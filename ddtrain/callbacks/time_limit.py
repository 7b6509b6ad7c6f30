"""A limit on a run's time, for batch systems that end a job at an hour of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from time import monotonic

from ddtrain.callbacks.callback import Callback, Watched
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class TimeLimit(Callback):
    """Stop the run in good time, with a checkpoint and exit code 75, so that the next job goes on with it.

    Time is counted from the start of training, and looked at after every step by each rank; the first to find that it
    is over asks all to stop.

    >>> TimeLimit(minutes=55).minutes
    55
    """

    name: str = "time_limit"
    """Stop after some minutes, with a checkpoint, to be resumed."""
    minutes: float = 60.0
    """From the start of training; leave as many for the last step, evaluation and checkpoint as these take."""

    @cached_property
    def _began(self) -> list[float]:
        return []

    def start(self, run: Watched) -> None:
        self._began[:] = [monotonic()]

    def step(self, run: Watched) -> None:
        if monotonic() - self._began[0] > 60 * self.minutes:
            run.stop()

    def ranges(self) -> Iterator[Range]:
        yield "minutes", self.minutes > 0, "a finite number above 0"
