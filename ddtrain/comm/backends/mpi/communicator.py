"""The communicator of ranks that are processes: MPI's collectives, begun without blocking and awaited by testing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from ddtrain.comm.backends.mpi.library import MPI
from ddtrain.comm.backends.mpi.messages import MpiMessages, Test, as_bytes
from ddtrain.comm.backends.mpi.pending_works import POLL_INTERVAL_S, PendingWorks
from ddtrain.comm.backends.mpi.tree_sum import MpiTreeSum
from ddtrain.comm.backends.mpi.windows import MpiNode, obstacle
from ddtrain.comm.backends.polling import LONGEST_SLEEP_S, wait_until
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
from ddtrain.comm.protocol import Array, Node
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.comm.startup.end_process import end_process
from ddtrain.standard_output import wait_until_read

_ABORT_S = 2.0  # how long to wait for MPI_Abort, which may not return
_OUTCOME_BYTES = 64
Made = TypeVar("Made", "MpiCommunicator", MpiNode)


class MpiWork:
    """A collective whose first stage is under way, and what begins its second (Note [Two stages]), if it has one."""

    def __init__(self, comm: MpiCommunicator, test: Test, then: Callable[[], Test] | None) -> None:
        self._comm, self._test, self._then = comm, test, then

    def test(self) -> bool:
        """True when done."""
        self._comm.progress()
        return self._is_over()

    def wait(self) -> None:
        """Return when done."""
        self._comm.wait(self._is_over)

    def advance(self) -> bool:
        """Begin the second stage if the first has arrived; True when all is over."""
        if self._then is not None and self._test():
            self._test, self._then = self._then(), None
        return self._then is None and self._test()

    def _is_over(self) -> bool:
        with self._comm.pending.lock:
            return self.advance()


class MpiCommunicator:
    """One process among those that mpirun started. Its methods: see :class:`~ddtrain.comm.protocol.Communicator`.

    Parameters
    ----------
    comm : owned by this object
    exit_comm : carries how ranks end; shared by duplicates
    pending : the works of this communicator, its duplicates and columns
    """

    spec = "mpi"

    def __init__(self, comm: MPI.Intracomm, exit_comm: MPI.Intracomm, pending: PendingWorks) -> None:
        self._comm, self._exit_comm, self.pending = comm, exit_comm, pending
        self.rank, self.size = comm.rank, comm.size
        self.waited_s = 0.0
        # of a group of ranks: what is made of it, which ends with it, as MPI has 2048 communicators in all
        self._made: list[MpiCommunicator | MpiNode] | None = None
        self._messages = MpiMessages(comm)
        self._sums = MpiTreeSum(comm, self._messages)

    def allreduce(self, buf: Array) -> None:
        self.iallreduce(buf).wait()

    def iallreduce(self, buf: Array) -> MpiWork:
        vector = flat("allreduce", buf)
        return self._begin_sum([vector], ReductionTree.of_ranks(self.size), vector)

    def isum(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> MpiWork:
        check_isum(rows, tree, out, self.rank)
        return self._begin_sum(rows, tree, out)

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        check_reduce_scatter(buf, out, self.rank, self.size)
        test, finish = self._sums.begin_scatter(flat("reduce_scatter", buf), flat("reduce_scatter", out))
        self.wait(test)
        finish()

    def allgather(self, send: Array, out: Array) -> None:
        self.iallgather(send, out).wait()

    def iallgather(self, send: Array, out: Array) -> MpiWork:
        check_allgather(send, out, self.size)
        request = self._comm.Iallgather(as_bytes(flat("allgather", send)), as_bytes(flat("allgather", out)))
        return self._one_stage(request.Test)

    def ialltoall(self, send: Array, out: Array) -> MpiWork:
        check_alltoall(send, out, self.size)
        sent, got = (flat("alltoall", buf).reshape(self.size, -1) for buf in (send, out))
        got[self.rank] = sent[self.rank]
        tag = self._messages.new_tag()
        return self._one_stage(self._messages.exchange([[row] for row in sent], [[row] for row in got], tag))

    def ishift(self, send: Array, out: Array) -> MpiWork:
        check_shift(send, out)
        tag = self._messages.new_tag()
        return self._one_stage(self._messages.shift(flat("shift", send), flat("shift", out), tag))

    def broadcast(self, buf: Array, root: int = 0) -> None:
        check_root(root, self.size)
        self.wait(self._comm.Ibcast(as_bytes(flat("broadcast", buf)), root).Test)

    def exchange_objects(self, obj: Any) -> list[Any]:
        return exchange_json(self, obj)

    def barrier(self) -> None:
        self.wait(self._comm.Ibarrier().Test)

    def progress(self) -> None:
        self.pending.drive()

    def duplicate(self) -> MpiCommunicator:
        duplicate, request = self._comm.Idup()
        self.wait(request.Test)
        return self._keep(MpiCommunicator(duplicate, self._exit_comm, self.pending))

    def split(self, color: int) -> MpiCommunicator:
        group = MpiCommunicator(
            cast(MPI.Intracomm, self._comm.Split(color, key=self.rank)), self._exit_comm, self.pending
        )
        group._made = []
        return self._keep(group)

    def split_nodes(self, bytes_per_rank: int = 0, bytes_per_node: int = 0) -> Node:
        if bytes_per_rank < 0:
            return SingleRankNode(self)
        local = cast(MPI.Intracomm, self._comm.Split_type(MPI.COMM_TYPE_SHARED, key=self.rank))
        everybody = self.exchange_objects([local.bcast(self.rank), obstacle(local, bytes_per_rank, bytes_per_node)])
        leaders = sorted({leader for leader, _ in everybody})
        why = next((why for _, why in everybody if why), "")
        if why or len(leaders) == self.size:
            local.Free()
            return SingleRankNode(self, why)
        sizes = tuple(sum(leader == of for of, _ in everybody) for leader in leaders)
        index = leaders.index(everybody[self.rank][0])
        stands = local.rank < min(sizes)
        across = cast(MPI.Intracomm, self._comm.Split(local.rank if stands else MPI.UNDEFINED, key=index))
        column = MpiCommunicator(across, self._exit_comm, self.pending) if stands else None
        return self._keep(MpiNode(local, index, sizes, column, self.progress))

    def abort(self, code: int) -> None:
        wait_until_read()
        timer = threading.Timer(_ABORT_S, end_process, (code,))
        timer.daemon = True
        timer.start()
        MPI.COMM_WORLD.Abort(code)

    def close(self) -> None:
        while self._made:
            self._made.pop().close()  # collective: windows and communicators are freed by all of their ranks
        if self._comm != MPI.COMM_NULL:
            self._comm.Free()

    def exchange_outcomes(self, outcome: str, timeout_s: float | None) -> list[str] | None:
        send = np.frombuffer(outcome.ljust(_OUTCOME_BYTES).encode(), np.uint8)
        rows = np.empty((self.size, _OUTCOME_BYTES), np.uint8)
        request = self._exit_comm.Iallgather(send, rows)
        until = None if timeout_s is None else time.perf_counter() + timeout_s
        self.wait(lambda: request.Test() or (until is not None and time.perf_counter() > until))
        return [row.tobytes().decode().rstrip() for row in rows] if request.Test() else None

    def fail(self, error: BaseException, code: int) -> None:
        self.abort(code)

    def wait(self, done: Callable[[], bool]) -> None:
        """Return when ``done()`` is true, driving all works meanwhile, and count the time."""
        with self.pending.driven_by_owner():
            self.waited_s += wait_until(
                done, self.progress, POLL_INTERVAL_S if self.pending.threaded else LONGEST_SLEEP_S
            )

    def _keep(self, made: Made) -> Made:
        """Remember what was made of a group, to be released with it; what is made of that belongs to the group, too."""
        if self._made is not None:
            self._made.append(made)
            if isinstance(made, MpiCommunicator) and made._made is None:
                made._made = []
        return made

    def _begin_sum(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> MpiWork:
        if self.size == 1:
            tree.fold(rows, out)
            return MpiWork(self, MPI.REQUEST_NULL.Test, None)
        return self._add(*self._sums.begin(rows, tree, out))

    def _one_stage(self, test: Test) -> MpiWork:
        return self._add(test, None)

    def _add(self, test: Test, then: Callable[[], Test] | None) -> MpiWork:
        work = MpiWork(self, test, then)
        self.pending.add(work)
        return work
