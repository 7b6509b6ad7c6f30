"""What the user sees of a run: a progress bar if the output is a terminal, whole lines otherwise.

Rank 0 alone prints. A step costs a few additions; frames are drawn at most ten times a second, each one overwriting the
last, with no cursor to restore if the job is killed.

Note [DDTRAIN_TTY]
Under mpirun standard output is a pipe even when a terminal is at its other end. ``launch/local.sh`` says so: the
environment variable ``DDTRAIN_TTY`` holds that terminal's columns, 0 where there is none. Without it the terminal is
that of an mpirun on the same machine (``launcher_terminal``). Who starts ranks by other means may set it:
``DDTRAIN_TTY=100 srun --unbuffered python -m ddtrain.train digits_mlp`` draws a bar of 100 columns, and
``DDTRAIN_TTY=0 mpirun ...`` prints whole lines. It is about standard output alone.
"""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import NamedTuple, TextIO

from ddtrain.comm.protocol import Communicator
from ddtrain.standard_output import is_standard_output, is_terminal, say
from ddtrain.trainer.records import launcher_terminal
from ddtrain.trainer.step.totals import Totals

FRAME_EVERY_S, LINE_EVERY_S = 0.1, 10.0
ERASE = "\r\x1b[2K"  # terminal codes: go to the start of the line and erase it
_FRAMES_AVERAGED = 50  # frames of the bar over which it averages its rate: about 5 s


class Console:
    """Shows the progress of a run.

    Parameters
    ----------
    comm : tells which rank this is; only rank 0 prints
    epochs, steps_per_epoch, total_steps : the length of the run
    first_step : steps taken before a resume
    waited_s : cumulative seconds this rank was blocked in communication
    stream : by default standard output

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> console = Console(LocalCommunicator(), epochs=2, steps_per_epoch=1, total_steps=2)
    >>> import numpy as np
    >>> totals = Totals()
    >>> totals.add(np.array([0.5, 0.25]), {"accuracy": np.array([1, 0])})
    >>> console.step(1, totals, seconds=0.5)
    >>> console.report({"valid_loss": 0.5})  # doctest: +ELLIPSIS
    epoch 1/2  step 1/2  loss 0.375  accuracy 0.5  valid_loss 0.5  4.00 samples/s  wait 0%  ETA 0:00
    """

    def __init__(
        self,
        comm: Communicator,
        *,
        epochs: int,
        steps_per_epoch: int,
        total_steps: int,
        first_step: int = 0,
        waited_s: Callable[[], float] = lambda: 0.0,
        stream: TextIO | None = None,
    ) -> None:
        self.stream = sys.stdout if stream is None else stream
        self.epochs, self.steps_per_epoch, self.total_steps = epochs, steps_per_epoch, total_steps
        self.speaks, self.bar = comm.rank == 0, terminal_columns(self.stream) > 0
        self.waited_s, self.done, self.samples, self.trained_s = waited_s, first_step, 0, 0.0
        self.sums: dict[str, float] = {}  # sums of the figures since the last report
        self.count = 0
        self.drawn = False
        self.marks: deque[_Mark] = deque([self._mark()], maxlen=_FRAMES_AVERAGED if self.bar else 2)
        self.every_s = FRAME_EVERY_S if self.bar else LINE_EVERY_S
        self.next_s = self.marks[0].time_s + self.every_s

    def step(self, done: int, totals: Totals, seconds: float) -> None:
        """Take note of a step.

        Parameters
        ----------
        done : steps done, this one included
        totals : of its global batch; a loss that is not finite is left out of the means
        seconds : duration of the step; the shown samples/s count steps only, not what is done between them
        """
        if not self.speaks:
            return
        self.done = done
        self.samples += totals.count
        self.trained_s += seconds
        if math.isfinite(totals.loss_sum):
            sums = self.sums
            self.count += totals.count
            sums["loss"] = sums.get("loss", 0.0) + totals.loss_sum
            for name, value in totals.sums.items():
                sums[name] = sums.get(name, 0.0) + value
        if perf_counter() >= self.next_s:
            self._show()

    def report(self, figures: Mapping[str, float] | None = None) -> None:
        """Print a whole line: an epoch's end, or an evaluation; means are those since the last report.

        Parameters
        ----------
        figures : the evaluation's, if there was one
        """
        if not self.speaks:
            return
        self._mark_now()
        self.message(self._line(figures))
        self.sums, self.count = {}, 0
        self.next_s = perf_counter() + self.every_s

    def message(self, text: str) -> None:
        """Print a line of its own, above the bar."""
        if self.speaks:
            self._say(f"{ERASE if self.drawn else ''}{text}\n")
            self.drawn = False

    def close(self) -> None:
        """Report the steps that were not yet reported, and erase the bar."""
        if self.count:
            self.report()
        elif self.drawn:
            self._say(ERASE)
        self.drawn = False

    def _show(self) -> None:
        self.next_s = self._mark_now() + self.every_s
        if not self.bar:
            if self.done % self.steps_per_epoch:  # an epoch's last step is skipped, because a report follows it at once
                self.message(self._line())
            return
        # imported here, so that ranks without a terminal need not load rich
        from ddtrain.trainer.records import progress_bar

        shown = self._means(digits=3) + self._rates()
        columns, fraction = terminal_columns(self.stream), self.done / self.total_steps
        self._say(progress_bar.frame(self.stream, columns, self._epoch(), fraction, " ".join(shown)))
        self.drawn = True

    def _line(self, figures: Mapping[str, float] | None = None) -> str:
        step = f"step {self.done:{len(str(self.total_steps))}}/{self.total_steps}"
        return "  ".join([self._epoch(), step, *self._means(), *_named(figures or {}), *self._rates()])

    def _epoch(self) -> str:
        epoch = max(1, -(-self.done // self.steps_per_epoch))
        return f"epoch {epoch:{len(str(self.epochs))}}/{self.epochs}"

    def _means(self, digits: int = 4) -> list[str]:
        return _named({name: total / max(self.count, 1) for name, total in self.sums.items()}, digits)

    def _rates(self) -> list[str]:
        first, last = self.marks[0], self.marks[-1]
        seconds = max(last.time_s - first.time_s, 1e-9)
        rate = (last.samples - first.samples) / max(last.trained_s - first.trained_s, 1e-9)
        waiting = 100 * (last.waited_s - first.waited_s) / seconds
        steps_left, steps = self.total_steps - last.done, last.done - first.done
        return [
            f"{rate:.{0 if rate >= 10 else 2}f} samples/s",
            f"wait {min(waiting, 100.0):.0f}%",
            f"ETA {duration(steps_left * seconds / steps) if steps else '?'}",
        ]

    def _mark_now(self) -> float:
        """End the window over which rates are measured at this moment."""
        mark = self._mark()
        if len(self.marks) > 1 and mark.time_s - self.marks[-1].time_s < self.every_s / 10:
            self.marks.pop()  # the last two marks are too close to measure a rate
        self.marks.append(mark)
        return mark.time_s

    def _mark(self) -> _Mark:
        return _Mark(perf_counter(), self.done, self.samples, self.trained_s, self.waited_s())

    def _say(self, text: str) -> None:
        say(text, self.stream)  # try each time, because a full disk may have room again


class _Mark(NamedTuple):
    """Cumulative figures at one moment; rates are computed from the difference of two."""

    time_s: float
    done: int
    samples: int
    trained_s: float
    waited_s: float


def terminal_columns(stream: TextIO | None) -> int:
    """Columns of the terminal behind a stream, or behind mpirun's pipe; 0 without a terminal that can draw a bar.

    See Note [DDTRAIN_TTY].

    >>> os.environ["DDTRAIN_TTY"] = "100"
    >>> terminal_columns(sys.stdout)
    100
    >>> del os.environ["DDTRAIN_TTY"]
    """
    if stream is None or os.environ.get("TERM") == "dumb":
        return 0
    told = os.environ.get("DDTRAIN_TTY", "") if stream is sys.stdout else ""
    if told.isdecimal():
        return int(told)
    # mpirun's terminal counts, because Open MPI gives every rank a terminal of its own
    if is_standard_output(stream) and (columns := launcher_terminal.columns()) is not None:
        return columns
    if is_terminal(stream):
        try:
            return os.get_terminal_size(stream.fileno()).columns or 80
        except (AttributeError, OSError, ValueError):
            return 80
    return 0


def duration(seconds: float) -> str:
    """Minutes and seconds, and hours where there are any.

    >>> duration(65.2), duration(3725.2)
    ('1:05', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _named(figures: Mapping[str, float], digits: int = 4) -> list[str]:
    return [f"{name} {value:.{digits}g}" for name, value in figures.items()]
