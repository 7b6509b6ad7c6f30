"""Exchanges of one or two stages that read from top to bottom: a generator that yields each collective it awaits.

Note [Second stage]
Collectives match by order, but a first stage arrives at different times on different ranks. So second
stages go over a communicator of their own, and begin there in the order in which their exchanges began: no exchange
overtakes another on either communicator.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from ddtrain.comm.protocol import Work

Stages = Iterator[Work]


class StagedWork:
    """An exchange under way.

    Parameters
    ----------
    stages : yields the work of the first stage, then perhaps of a second on the other channel, and decodes
    ahead : queue of the hook's exchanges that are still in their first stage; this one is appended
    """

    def __init__(self, stages: Stages, ahead: deque[StagedWork]) -> None:
        self._stages, self._ahead = stages, ahead
        self._work: Work | None = None
        self.advance()
        ahead.append(self)

    def test(self) -> bool:
        """Drive this exchange and those ahead of it; True when it is done."""
        drive(self._ahead)
        if self in self._ahead:
            return False
        if self._work is not None and self._work.test():
            self.advance()
        return self._work is None

    def wait(self) -> None:
        """Return when done."""
        while self in self._ahead:
            self._ahead[0]._wait_for_stage()
            self._ahead.popleft().advance()
        while self._work is not None:
            self._wait_for_stage()
            self.advance()

    def stage_is_done(self) -> bool:
        """Whether the present stage is over."""
        return self._work is None or self._work.test()

    def advance(self) -> None:
        """Run the code that follows the finished stage, up to the next one."""
        with np.errstate(all="ignore"):  # no warnings: what to do about NaN and infinity is decided by the coordinator
            self._work = next(self._stages, None)

    def _wait_for_stage(self) -> None:
        if self._work is not None:
            self._work.wait()


def drive(ahead: deque[StagedWork]) -> None:
    """Continue the exchanges whose first stage has arrived, in order, up to the first one that has not."""
    while ahead and ahead[0].stage_is_done():
        ahead.popleft().advance()
