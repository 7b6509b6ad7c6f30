"""N ranks in one process, each a thread: for tests, for a debugger, for a machine without MPI.

The numbers are those of N processes (Note [Tree order]), whatever order the threads run in.
One thread a rank may communicate.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.comm.backends.rendezvous import Call, Channel, PendingCollective, Rendezvous
from ddtrain.comm.buffers import (
    check_allgather,
    check_alltoall,
    check_isum,
    check_reduce_scatter,
    check_root,
    check_shift,
    exchange_json,
    flat,
)
from ddtrain.comm.node.single_rank import SingleRankNode
from ddtrain.comm.protocol import Array
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.comm.startup.end_process import end_process
from ddtrain.partition import part_bounds


def make_threads(size: int) -> list[ThreadCommunicator]:
    """The communicators of a new world of ``size`` threads, in rank order."""
    rendezvous = Rendezvous(size)
    return [ThreadCommunicator(rendezvous, rank, ()) for rank in range(size)]


class ThreadWork:
    """A collective that one rank has begun and will wait for."""

    def __init__(self, comm: ThreadCommunicator, collective: PendingCollective) -> None:
        self._comm, self._collective = comm, collective

    def test(self) -> bool:
        """True when done."""
        return self._comm.rendezvous.test(self._collective)

    def wait(self) -> None:
        """Return when done."""
        self._comm.wait(self._collective)


class ThreadCommunicator:
    """One rank of a world of threads. Its methods: see :class:`~ddtrain.comm.protocol.Communicator`."""

    def __init__(self, rendezvous: Rendezvous, rank: int, channel: Channel) -> None:
        self.rendezvous, self.rank, self.size = rendezvous, rank, rendezvous.size
        self.spec = f"threads:{rendezvous.size}"
        self.waited_s = 0.0
        self._channel = channel
        self._calls = self._duplicates = self._splits = 0

    def allreduce(self, buf: Array) -> None:
        self.wait(self._sum("allreduce", buf))

    def iallreduce(self, buf: Array) -> ThreadWork:
        return ThreadWork(self, self._sum("iallreduce", buf))

    def isum(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> ThreadWork:
        check_isum(rows, tree, out, self.rank)
        return ThreadWork(self, self._post("isum", out, out, _sum, rows=rows, tree=tree))

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        check_reduce_scatter(buf, out, self.rank, self.size)
        self.wait(self._post("reduce_scatter", buf, out, _reduce_scatter))

    def allgather(self, send: Array, out: Array) -> None:
        check_allgather(send, out, self.size)
        self.wait(self._post("allgather", send, out, _allgather))

    def iallgather(self, send: Array, out: Array) -> ThreadWork:
        check_allgather(send, out, self.size)
        return ThreadWork(self, self._post("iallgather", send, out, _allgather))

    def ialltoall(self, send: Array, out: Array) -> ThreadWork:
        check_alltoall(send, out, self.size)
        return ThreadWork(self, self._post("ialltoall", send, out, _alltoall))

    def ishift(self, send: Array, out: Array) -> ThreadWork:
        check_shift(send, out)
        return ThreadWork(self, self._post("ishift", send, out, _shift))

    def broadcast(self, buf: Array, root: int = 0) -> None:
        check_root(root, self.size)
        self.wait(self._post("broadcast", buf, buf, _broadcast, root))

    def exchange_objects(self, obj: Any) -> list[Any]:
        return exchange_json(self, obj)

    def barrier(self) -> None:
        nothing = np.empty(0, np.uint8)
        self.wait(self._post("barrier", nothing, nothing, lambda calls: None))

    def progress(self) -> None:
        pass  # there is nothing to drive: the last rank to post runs the collective

    def duplicate(self) -> ThreadCommunicator:
        self._duplicates += 1
        return ThreadCommunicator(self.rendezvous, self.rank, (*self._channel, self._duplicates))

    def split(self, color: int) -> ThreadCommunicator:
        self._splits += 1
        everybody = self.exchange_objects(color)
        members = [rank for rank, other in enumerate(everybody) if other == color]
        group = self.rendezvous.group((self._channel, self._splits, color), len(members))
        return ThreadCommunicator(group, members.index(self.rank), ())

    def split_nodes(self, bytes_per_rank: int = 0, bytes_per_node: int = 0) -> SingleRankNode:
        """Every rank is a node of its own, so that tests and debuggers see what happens between nodes."""
        return SingleRankNode(self)

    def abort(self, code: int) -> None:
        end_process(code)  # all ranks are threads of this process, so ending it ends the world

    def close(self) -> None:
        pass

    def exchange_outcomes(self, outcome: str, timeout_s: float | None) -> list[str] | None:
        return self.rendezvous.exchange_outcomes(self.rank, outcome, timeout_s)

    def fail(self, error: BaseException, code: int) -> None:
        self.rendezvous.fail(self.rank, error)

    def wait(self, collective: PendingCollective) -> None:
        """Block until a collective is over, and count the time."""
        began = time.perf_counter()
        try:
            self.rendezvous.wait(self.rank, collective)
        finally:
            self.waited_s += time.perf_counter() - began

    def _sum(self, name: str, buf: Array) -> PendingCollective:
        vector = flat(name, buf)
        return self._post(name, vector, vector, _sum, rows=[vector], tree=ReductionTree.of_ranks(self.size))

    def _post(
        self,
        name: str,
        send: Array,
        out: Array,
        complete: Any,
        root: int = 0,
        rows: Sequence[Array] = (),
        tree: ReductionTree | None = None,
    ) -> PendingCollective:
        call = Call(name, flat(name, send), flat(name, out), root, complete, rows, tree)
        self._calls += 1
        return self.rendezvous.post(self.rank, self._channel, self._calls, call)


def _sum(calls: list[Call]) -> None:
    first, *others = calls
    assert first.tree is not None, "a sum has an order"
    first.tree.fold([row for call in calls for row in call.rows], first.out)
    for call in others:
        call.out[...] = first.out


def _reduce_scatter(calls: list[Call]) -> None:
    for rank, call in enumerate(calls):
        first, last = part_bounds(call.send.size, rank, len(calls))
        ReductionTree.of_ranks(len(calls)).fold([other.send[first:last] for other in calls], call.out)


def _allgather(calls: list[Call]) -> None:
    for call in calls:
        np.concatenate([other.send for other in calls], out=call.out)


def _alltoall(calls: list[Call]) -> None:
    for rank, call in enumerate(calls):
        rows = call.out.reshape(len(calls), -1)
        for row, other in zip(rows, calls, strict=True):
            row[...] = other.send.reshape(len(calls), -1)[rank]


def _shift(calls: list[Call]) -> None:
    for rank, call in enumerate(calls):
        call.out[...] = calls[rank - 1].send


def _broadcast(calls: list[Call]) -> None:
    root = calls[calls[0].root]
    for call in calls:
        if call is not root:
            call.out[...] = root.send
