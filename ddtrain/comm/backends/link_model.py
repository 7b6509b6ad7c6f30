"""What a collective costs on a network of equal links: the formula that ``wire`` emulates and predictions use.

Note [Cost of a collective]
Every rank has one link. A collective in which a rank sends ``nbytes`` in ``rounds``, one after another, takes

    rounds * latency + nbytes / bandwidth

Only the bytes occupy the link: the next collective's bytes may follow while the last ones are still on their way.
With P ranks and n bytes: a sum sends its vector to everybody, (P - 1) n bytes in one round, or is reduced and gathered
by slices, 2 (P - 1) / P n bytes in two rounds, whichever is cheaper; a broadcast likewise.
"""

# P ranks, n bytes
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Operation: TypeAlias = Literal["sum", "reduce_scatter", "allgather", "alltoall", "broadcast", "barrier"]


class Traffic(NamedTuple):
    """What one rank sends in a collective: ``nbytes`` bytes in ``rounds`` rounds."""

    rounds: int
    nbytes: float


def _slices_or_whole(n: int, P: int) -> list[Traffic]:
    return [Traffic(1, (P - 1) * n), Traffic(2, 2 * (P - 1) / P * n)]


_WAYS: dict[Operation, Callable[[int, int], list[Traffic]]] = {
    "sum": _slices_or_whole,
    "broadcast": _slices_or_whole,
    "reduce_scatter": lambda n, P: [Traffic(1, (P - 1) / P * n)],
    "allgather": lambda n, P: [Traffic(1, (P - 1) * n)],
    "alltoall": lambda n, P: [Traffic(1, (P - 1) / P * n)],
    "barrier": lambda n, P: [Traffic(1, 0)],
}


@dataclass(frozen=True, slots=True)
class Network:
    """Links with a latency and a bandwidth (Note [Cost of a collective]).

    >>> ethernet = Network(latency_s=50e-6, bytes_per_s=10e9 / 8)
    >>> ethernet.traffic("sum", 1_000_000, ranks=4)
    Traffic(rounds=2, nbytes=1500000.0)
    >>> round(ethernet.seconds("sum", 1_000_000, ranks=4), 6)  # 2 * 50 us + 1.5 MB at 1.25 GB/s
    0.0013
    """

    latency_s: float
    bytes_per_s: float

    def traffic(self, operation: Operation, nbytes: int, ranks: int) -> Traffic:
        """What a rank sends; if there are two algorithms, the cheaper one.

        Parameters
        ----------
        nbytes : bytes of the vector that is summed, scattered or broadcast; in an allgather, of one rank's part; in an
            alltoall, of all its rows
        """
        return Traffic(0, 0) if ranks == 1 else min(_WAYS[operation](nbytes, ranks), key=self.cost)

    def cost(self, traffic: Traffic) -> float:
        """Seconds from the first byte sent to the last received, on idle links."""
        return traffic.rounds * self.latency_s + self.occupied(traffic)

    def occupied(self, traffic: Traffic) -> float:
        """Seconds for which the link can send nothing else."""
        return traffic.nbytes / self.bytes_per_s

    def seconds(self, operation: Operation, nbytes: int, ranks: int) -> float:
        """Seconds that a collective takes on idle links."""
        return self.cost(self.traffic(operation, nbytes, ranks))
