"""Which states of a training are kept for its way back: about 2 √T of T at a time, whatever the training.

Note [Memory of two square roots]
The way back needs every state, the last first. Of T steps, cut into segments, the forward run keeps the state at which
each segment begins. On the way back a segment is run again from there, and all of its states are kept until the walk
has passed them; states of later segments are gone by then. So S segments of K steps hold at most S + K − 1 states at a
time, the first segment's being the last one, and with S and K next to √T that is less than 2 √T. Each step is computed
twice forward. (Griewank, 1992, keeps about log T and computes each log T times.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt
from typing import Generic, TypeVar

State = TypeVar("State")


def segment_length(steps: int) -> int:
    """The length of segments for which the fewest states are held (Note [Memory of two square roots]).

    >>> [segment_length(steps) for steps in (1, 2, 9, 200)]
    [1, 1, 3, 14]
    """
    root = isqrt(steps)
    return min((root, root + 1), key=lambda length: -(-steps // length) + length)


class KeptStates(Generic[State]):
    """The states of a training of so many steps, run forward once and then walked back.

    Parameters
    ----------
    advance : the state after step t, of t and the state before
    steps : of the training

    Attributes
    ----------
    most : the most states that were held at a time, so far

    >>> states = KeptStates(lambda t, x: 2 * x, steps=5)
    >>> states.run(1)
    32
    >>> list(states.backward()), states.most
    ([(4, 16), (3, 8), (2, 4), (1, 2), (0, 1)], 3)
    """

    def __init__(self, advance: Callable[[int, State], State], steps: int) -> None:
        self._advance, self._steps, self._length = advance, steps, segment_length(steps)
        self._kept: list[State] = []  # a stack: starts of segments, above them the states of the one that is walked
        self.most = 0

    def run(self, state: State) -> State:
        """The state after all steps."""
        for t in range(self._steps):
            if t % self._length == 0:
                self._keep(state)
            state = self._advance(t, state)
        return state

    def backward(self) -> Iterator[tuple[int, State]]:
        """Each step's number and the state before it, the last step first; after :meth:`run`."""
        starts = range(0, self._steps, self._length)
        for start in reversed(starts):
            end = min(start + self._length, self._steps)
            for t in range(start, end - 1):
                self._keep(self._advance(t, self._kept[-1]))
            for t in reversed(range(start, end)):
                yield t, self._kept.pop()

    def _keep(self, state: State) -> None:
        self._kept.append(state)
        self.most = max(self.most, len(self._kept))
