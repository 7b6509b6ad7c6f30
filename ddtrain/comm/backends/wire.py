"""Wraps a backend and delays its collectives, as a network between the ranks would.

The numbers are the inner backend's; only the time is emulated (Note [Cost of a collective]), so that one machine can
show how much communication overlap hides. A collective is over when the inner one is over *and* its emulated bytes have
arrived. Each rank counts from its own begin: if a rank comes late, its bytes are late on its own link only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ddtrain.comm.backends.link_model import Network, Operation
from ddtrain.comm.backends.polling import wait_until_time
from ddtrain.comm.buffers import exchange_json
from ddtrain.comm.node.single_rank import SingleRankNode
from ddtrain.comm.protocol import Array, Communicator, Work
from ddtrain.comm.reduction_tree import ReductionTree


@dataclass
class Link:
    """One rank's link: each collective's bytes wait until the bytes before them have left.

    >>> now = 0.0
    >>> link = Link(Network(latency_s=1.0, bytes_per_s=10.0), clock=lambda: now)
    >>> link.send("sum", 20, ranks=2), link.send("sum", 20, ranks=2)  # 2 s of bytes each, and the latency
    (3.0, 5.0)
    """

    network: Network
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    busy_until: float = 0.0

    def send(self, operation: Operation, nbytes: int, ranks: int) -> float:
        """Queue a collective's bytes; returns the time at which it will be over."""
        traffic = self.network.traffic(operation, nbytes, ranks)
        self.busy_until = max(self.busy_until, self.clock()) + self.network.occupied(traffic)
        return self.busy_until + traffic.rounds * self.network.latency_s

    def wait(self, due: float, drive: Callable[[], None]) -> float:
        """Sleep until a time, driving other works meanwhile; returns the seconds it took."""
        return wait_until_time(due, drive, self.clock, self.sleep)


class WireWork:
    """An inner work, and when its bytes will have arrived."""

    def __init__(self, comm: WireCommunicator, inner: Work, due: float) -> None:
        self._comm, self._inner, self._due = comm, inner, due

    def test(self) -> bool:
        """True when done."""
        return self._inner.test() and self._comm.link.clock() >= self._due

    def wait(self) -> None:
        """Return when done."""
        self._inner.wait()
        self._comm.wait(self._due)


class WireCommunicator:
    """A communicator behind an emulated link. Its methods: see :class:`~ddtrain.comm.protocol.Communicator`.

    Parameters
    ----------
    link : this rank's link, shared with the duplicates

    >>> from ddtrain.comm.backends.null import NullCommunicator
    >>> comm = WireCommunicator(NullCommunicator(4), Link(Network(50e-6, 10e9 / 8)))
    >>> comm.spec
    'wire:null:4,latency-us=50,gbit-s=10'
    """

    def __init__(self, inner: Communicator, link: Link) -> None:
        self._inner, self.link = inner, link
        self.rank, self.size = inner.rank, inner.size
        network = link.network
        self.spec = f"wire:{inner.spec},latency-us={network.latency_s * 1e6:g},gbit-s={network.bytes_per_s * 8e-9:g}"
        self._slept_s = 0.0

    @property
    def waited_s(self) -> float:
        """Seconds blocked, in the inner communicator and for the emulated link."""
        return self._inner.waited_s + self._slept_s

    def allreduce(self, buf: Array) -> None:
        self.iallreduce(buf).wait()

    def iallreduce(self, buf: Array) -> WireWork:
        due = self._send("sum", buf.nbytes)
        return WireWork(self, self._inner.iallreduce(buf), due)

    def isum(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> WireWork:
        # Reduce-scatter sends a slice of each row, then allgather sends a slice of the sum.
        due = self._send("sum", out.nbytes * (tree.most_blocks + 1) // 2)
        return WireWork(self, self._inner.isum(rows, tree, out), due)

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        due = self._send("reduce_scatter", buf.nbytes)
        self._inner.reduce_scatter(buf, out)
        self.wait(due)

    def allgather(self, send: Array, out: Array) -> None:
        self.iallgather(send, out).wait()

    def iallgather(self, send: Array, out: Array) -> WireWork:
        due = self._send("allgather", send.nbytes)
        return WireWork(self, self._inner.iallgather(send, out), due)

    def ialltoall(self, send: Array, out: Array) -> WireWork:
        due = self._send("alltoall", send.nbytes)
        return WireWork(self, self._inner.ialltoall(send, out), due)

    def ishift(self, send: Array, out: Array) -> WireWork:
        due = self._send("barrier", 0)  # a barrier costs one round of tiny messages
        return WireWork(self, self._inner.ishift(send, out), due)

    def broadcast(self, buf: Array, root: int = 0) -> None:
        due = self._send("broadcast", buf.nbytes)
        self._inner.broadcast(buf, root)
        self.wait(due)

    def exchange_objects(self, obj: Any) -> list[Any]:
        return exchange_json(self, obj)

    def barrier(self) -> None:
        due = self._send("barrier", 0)
        self._inner.barrier()
        self.wait(due)

    def progress(self) -> None:
        self._inner.progress()

    def duplicate(self) -> WireCommunicator:
        return WireCommunicator(self._inner.duplicate(), self.link)

    def split(self, color: int) -> WireCommunicator:
        return WireCommunicator(self._inner.split(color), self.link)

    def split_nodes(self, bytes_per_rank: int = 0, bytes_per_node: int = 0) -> SingleRankNode:
        return SingleRankNode(self)  # every rank has its own emulated link, so no two ranks share a node

    def abort(self, code: int) -> None:
        self._inner.abort(code)

    def close(self) -> None:
        self._inner.close()

    def exchange_outcomes(self, outcome: str, timeout_s: float | None) -> list[str] | None:
        return self._inner.exchange_outcomes(outcome, timeout_s)

    def fail(self, error: BaseException, code: int) -> None:
        self._inner.fail(error, code)

    def wait(self, due: float) -> None:
        """Drive all works until the given time of the link's clock, and count the time."""
        self._slept_s += self.link.wait(due, self.progress)

    def _send(self, operation: Operation, nbytes: int) -> float:
        return self.link.send(operation, nbytes, self.size)
