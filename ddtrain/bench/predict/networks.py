"""Networks by name, and how ranks that share nodes use them: what a prediction is made over.

Note [Fabric]
A node's ranks add within the node first; then each exchanges its slice with the ranks of the same place on the other
nodes, over the one link that they share. So with M nodes a sum of n bytes sends over a node's link what a sum over M
ranks does (Note [Cost of a collective] in ``comm/backends/link_model.py``), and an allgather of n bytes a rank what
one of all its ranks' parts does. A message occupies the link for a ``gap`` besides its bytes. With M nodes and a gap,
talking to everybody at once becomes dear, and trees take over, as in MPI libraries. A sum takes the cheapest of

    everybody's vector to everybody     1 round           (M - 1) n bytes           M - 1 messages
    slices, reduced and gathered        2 rounds          2 (M - 1) / M n bytes     2 (M - 1) messages
    recursive doubling                  log M rounds      log M n bytes             log M messages
    recursive halving and doubling      2 log M rounds    2 (M - 1) / M n bytes     2 log M messages

(R. Thakur, R. Rabenseifner, W. Gropp: Optimization of collective communication operations in MPICH, 2005; log to the
base of 2, rounded up.)
"""

# M nodes, n bytes
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite

from ddtrain.comm.backends.link_model import Network, Operation, Traffic
from ddtrain.errors import UsageError
from ddtrain.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class Fabric(Network):
    """Links between nodes (Note [Fabric]).

    >>> Fabric(50e-6, 1e9, ranks_per_node=4).traffic("sum", 1000, ranks=8)  # two nodes
    Traffic(rounds=1, nbytes=1000.0)
    >>> Fabric(50e-6, 1e9, ranks_per_node=8).traffic("sum", 1000, ranks=8)
    Traffic(rounds=0, nbytes=0)
    """

    ranks_per_node: int = 1
    gap_s: float = 0.0

    def nodes(self, ranks: int) -> int:
        """As many as it takes."""
        return -(-ranks // self.ranks_per_node)

    def traffic(self, operation: Operation, nbytes: int, ranks: int) -> Traffic:
        """What a node sends, its messages' gaps counted as bytes; the cheapest way of Note [Fabric]."""
        nodes = self.nodes(ranks)
        if nodes == 1:
            return Traffic(0, 0)
        if operation in ("sum", "broadcast"):
            return min(self._ways(nbytes, nodes), key=self.cost)
        part = nbytes * self.ranks_per_node if operation == "allgather" else nbytes
        return self._with_gaps(Network.traffic(self, operation, part, nodes), nodes - 1)

    def _ways(self, nbytes: int, nodes: int) -> list[Traffic]:
        others, log = nodes - 1, (nodes - 1).bit_length()
        sliced = 2 * others / nodes * nbytes
        return [
            self._with_gaps(Traffic(1, float(others * nbytes)), others),
            self._with_gaps(Traffic(2, sliced), 2 * others),
            self._with_gaps(Traffic(log, float(log * nbytes)), log),
            self._with_gaps(Traffic(2 * log, sliced), 2 * log),
        ]

    def _with_gaps(self, traffic: Traffic, messages: int) -> Traffic:
        # without a link, both may be infinite, and 0 times infinity is NaN
        gaps = messages * self.gap_s * self.bytes_per_s if self.gap_s else 0.0
        return Traffic(traffic.rounds, traffic.nbytes + gaps)


def _fabric(latency_us: float, gbit_s: float, gap_us: float) -> Fabric:
    return Fabric(latency_us / 1e6, gbit_s * 1e9 / 8, gap_s=gap_us / 1e6)


# Ethernet: a frame of 1538 bytes on the wire (with preamble and gap, IEEE 802.3) carries 1448 of TCP's (RFC 7323), so
# 0.941 of the line rate arrives. Latencies are those of small MPI messages from rank to rank, as published results
# of the OSU micro-benchmarks report them: tens of microseconds through the kernel's TCP, one or two over the others.
# The gap is a system call for TCP, and a work request for the others. InfiniBand HDR: four lanes of 50 Gbit/s (IBTA).
NETWORKS: Mapping[str, tuple[Fabric, str]] = {
    "1gbe": (_fabric(50, 0.941, 5), "1 Gbit/s Ethernet, TCP"),
    "10gbe": (_fabric(30, 9.41, 3), "10 Gbit/s Ethernet, TCP"),
    "25gbe": (_fabric(20, 23.5, 3), "25 Gbit/s Ethernet, TCP"),
    "100gbe": (_fabric(2, 96, 0.3), "100 Gbit/s Ethernet, RoCE"),
    "hdr": (_fabric(1.2, 197, 0.2), "InfiniBand HDR, 200 Gbit/s"),
    "loopback": (_fabric(15, 30, 3), "the kernel's TCP within one machine"),
}
# No network between ranks: they share memory, or their messages cost CPU time but no network time.
ONE_NODE = Fabric(0.0, float("inf"), ranks_per_node=1 << 30)
MESSAGES = Fabric(0.0, float("inf"))
_FORM = "latency,bandwidth[,ranks-per-node] in microseconds and Gbit/s"


def parse(text: str) -> Fabric:
    """A network by name, ``NAME[,ranks-per-node]`` or ``node``, or by numbers; a gap is then a tenth of the latency.

    Raises
    ------
    UsageError : neither, with the names there are

    >>> parse("50,10,4")
    Fabric(latency_s=5e-05, bytes_per_s=1250000000.0, ranks_per_node=4, gap_s=5e-06)
    >>> parse("hdr,2").ranks_per_node
    2
    """
    name, *rest = [part.strip() for part in text.split(",")]
    if text.strip() == "node":
        return ONE_NODE
    if name in NETWORKS and len(rest) <= 1:
        return replace(NETWORKS[name][0], ranks_per_node=_count(text, rest))
    if not name[:1].isdigit() or len(rest) not in (1, 2):
        hint = did_you_mean(name, NETWORKS)
        remedy = f"{hint} There are {', '.join(NETWORKS)} and node; or give {_FORM}.".strip()
        raise UsageError(f"unknown network {text!r}", remedy=remedy)
    latency_us, gbit_s = (_number(text, part) for part in (name, rest[0]))
    if not gbit_s:
        raise UsageError(f"--network {text}: a bandwidth of 0", remedy=f"Give {_FORM}.")
    return replace(_fabric(latency_us, gbit_s, latency_us / 10), ranks_per_node=_count(text, rest[1:]))


def _number(text: str, part: str) -> float:
    try:
        value = float(part)
    except ValueError:
        value = -1.0
    if not isfinite(value) or value < 0:
        raise UsageError(f"--network {text}: {part!r} is not a number, 0 or more", remedy=f"Give {_FORM}.")
    return value


def _count(text: str, rest: list[str]) -> int:
    if not all(part.isdecimal() and int(part) > 0 for part in rest):
        raise UsageError(f"--network {text}: {rest[0]!r} ranks a node", remedy="Give 1 or more.")
    return int(rest[0]) if rest else 1
