"""Ranks that are processes, through MPI. Importing this module starts MPI; nothing else in the package does.

Note [Two stages]
MPI may add in any order, so with three or more ranks the sum is made here (Note [Tree order] in ``tree.py``). Small
vectors are gathered whole and folded by everyone. Large ones go in two stages: rank r collects slice r of all ranks'
rows and folds it, then sends it to all. When the second stage begins differs between ranks, while MPI wants collectives
in one order; so the stages are messages, told apart by a tag that counts the works. (MPICH's Ialltoallv would do for
the first, but took 1.7 s for 12 MB on three ranks where these take 2 ms.) A wait on anything drives all works: another
rank may need our second stage before it can join what we wait for.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from ddtrain.comm.backends.local import end_process
from ddtrain.comm.backends.mpi_library import MPI
from ddtrain.comm.backends.pending_works import EVERY_S, Underway
from ddtrain.comm.backends.polling import LONGEST_SLEEP_S, wait_until
from ddtrain.comm.buffers import (
    check_gather,
    check_root,
    check_rows,
    check_shift,
    check_slice,
    check_swap,
    exchange_json,
    flat,
)
from ddtrain.comm.launch.environment import launcher
from ddtrain.comm.node.mpi_windows import MpiNode, obstacle
from ddtrain.comm.node.single_rank import SoloNode
from ddtrain.comm.protocol import Array, Node
from ddtrain.comm.reduction_tree import Tree, bounds
from ddtrain.errors import UsageError

_SMALL_BYTES = 1 << 13  # up to here, gathering everything takes less time than two stages
_MPI_ADDS = frozenset("fdgFDbhilqBHILQ")  # dtype characters that MPI_SUM knows
_ABORT_S = 2.0  # MPI_Abort may not return
_OUTCOME_BYTES = 64
_TAGS = 32768  # what every MPI library offers at least

Test = Callable[[], bool]


def make_mpi() -> MpiCommunicator:
    """This process's rank in the world.

    Raises
    ------
    UsageError : the launcher started several processes, but each of them is a world of its own.
    """
    facts, world = launcher(), MPI.COMM_WORLD
    if facts.size > 1 and world.size == 1:
        library = MPI.Get_library_version().split("\n")[0].strip("\0 ")
        raise UsageError(
            f"the launcher started {facts.size} processes ({facts.variable}={facts.size}), but the MPI world of each"
            f" has size 1: the launcher is not of the MPI that mpi4py loads ({library})",
            remedy="Start with that MPI's own mpirun: of the mpich package, or of the module that is loaded.",
        )
    return MpiCommunicator(world.Dup(), *_shared())


@functools.cache
def _shared() -> tuple[MPI.Intracomm, Underway]:
    """What all communicators of this process share: where ranks say how they end, and the works under way."""
    farewell = MPI.COMM_WORLD.Dup()
    return farewell, Underway(farewell.Iprobe, _many_hosts(MPI.COMM_WORLD))


def _many_hosts(world: MPI.Intracomm) -> bool:
    """Are there ranks that share no memory with others, and may a thread look after what they say?"""
    here = world.Split_type(MPI.COMM_TYPE_SHARED)
    size = here.size
    here.Free()
    return size < world.size and MPI.Query_thread() == MPI.THREAD_MULTIPLE


class MpiWork:
    """A first stage under way, and what begins the second (Note [Two stages]); or a single stage."""

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
        with self._comm.underway.lock:
            return self.advance()


class MpiCommunicator:
    """One process among those that mpirun started. Its methods: see :class:`~ddtrain.comm.protocol.Communicator`.

    Parameters
    ----------
    comm : owned by this object
    farewell : for how ranks end; shared by duplicates
    underway : works, of this communicator and all its relatives
    """

    spec = "mpi"

    def __init__(self, comm: MPI.Intracomm, farewell: MPI.Intracomm, underway: Underway) -> None:
        self._comm, self._farewell, self.underway = comm, farewell, underway
        self.rank, self.size = comm.rank, comm.size
        self.waited_s = 0.0
        self._others = [r for r in range(self.size) if r != self.rank]
        self._works = 0
        self._scratch: dict[int, list[Array]] = {}

    def allreduce(self, buf: Array) -> None:
        self.iallreduce(buf).wait()

    def iallreduce(self, buf: Array) -> MpiWork:
        vector = flat("allreduce", buf)
        return self._sum([vector], Tree.ranks(self.size), vector)

    def isum(self, rows: Sequence[Array], tree: Tree, out: Array) -> MpiWork:
        check_rows(rows, tree, out, self.rank)
        return self._sum(rows, tree, out)

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        check_slice(buf, out, self.rank, self.size)
        tree = Tree.ranks(self.size)
        test, parts = self._collect([self._slices(flat("reduce_scatter", buf))], tree)
        self.wait(test)
        tree.fold(list(parts), flat("reduce_scatter", out))
        self._give_back(parts)

    def allgather(self, send: Array, out: Array) -> None:
        self.iallgather(send, out).wait()

    def iallgather(self, send: Array, out: Array) -> MpiWork:
        check_gather(send, out, self.size)
        request = self._comm.Iallgather(_raw(flat("allgather", send)), _raw(flat("allgather", out)))
        return self._one_stage(request.Test)

    def ialltoall(self, send: Array, out: Array) -> MpiWork:
        check_swap(send, out, self.size)
        sent, got = (flat("alltoall", buf).reshape(self.size, -1) for buf in (send, out))
        got[self.rank] = sent[self.rank]
        self._works += 1
        return self._one_stage(self._exchange([[row] for row in sent], [[row] for row in got], self._tag))

    def ishift(self, send: Array, out: Array) -> MpiWork:
        check_shift(send, out)
        self._works += 1
        before, after = (self.rank - 1) % self.size, (self.rank + 1) % self.size
        requests = [
            self._comm.Irecv(_raw(flat("shift", out)), before, self._tag),
            self._comm.Isend(_raw(flat("shift", send)), after, self._tag),
        ]
        return self._one_stage(lambda: MPI.Request.Testall(requests))

    def broadcast(self, buf: Array, root: int = 0) -> None:
        check_root(root, self.size)
        self.wait(self._comm.Ibcast(_raw(flat("broadcast", buf)), root).Test)

    def exchange_objects(self, obj: Any) -> list[Any]:
        return exchange_json(self, obj)

    def barrier(self) -> None:
        self.wait(self._comm.Ibarrier().Test)

    def progress(self) -> None:
        self.underway.drive()

    def duplicate(self) -> MpiCommunicator:
        duplicate, request = self._comm.Idup()
        self.wait(request.Test)
        return MpiCommunicator(duplicate, self._farewell, self.underway)

    def split_nodes(self, shared_bytes: int = 0, once_bytes: int = 0) -> Node:
        if shared_bytes < 0:
            return SoloNode(self)
        local = cast(MPI.Intracomm, self._comm.Split_type(MPI.COMM_TYPE_SHARED, key=self.rank))
        everybody = self.exchange_objects([local.bcast(self.rank), obstacle(local, shared_bytes, once_bytes)])
        leaders = sorted({leader for leader, _ in everybody})
        why = next((why for _, why in everybody if why), "")
        if why or len(leaders) == self.size:
            local.Free()
            return SoloNode(self, why)
        sizes = tuple(sum(leader == of for of, _ in everybody) for leader in leaders)
        index = leaders.index(everybody[self.rank][0])
        stands = local.rank < min(sizes)
        across = cast(MPI.Intracomm, self._comm.Split(local.rank if stands else MPI.UNDEFINED, key=index))
        column = MpiCommunicator(across, self._farewell, self.underway) if stands else None
        return MpiNode(local, index, sizes, column, self.progress)

    def abort(self, code: int) -> None:
        timer = threading.Timer(_ABORT_S, end_process, (code,))
        timer.daemon = True
        timer.start()
        MPI.COMM_WORLD.Abort(code)

    def close(self) -> None:
        self._comm.Free()

    def part(self, outcome: str, patience_s: float | None) -> list[str] | None:
        send = np.frombuffer(outcome.ljust(_OUTCOME_BYTES).encode(), np.uint8)
        rows = np.empty((self.size, _OUTCOME_BYTES), np.uint8)
        request = self._farewell.Iallgather(send, rows)
        until = None if patience_s is None else time.perf_counter() + patience_s
        self.wait(lambda: request.Test() or (until is not None and time.perf_counter() > until))
        return [row.tobytes().decode().rstrip() for row in rows] if request.Test() else None

    def fail(self, error: BaseException, code: int) -> None:
        self.abort(code)

    def wait(self, done: Callable[[], bool]) -> None:
        """Return when ``done()``, driving all works, and count the time."""
        with self.underway.attended():
            self.waited_s += wait_until(done, self.progress, EVERY_S if self.underway.threaded else LONGEST_SLEEP_S)

    def _one_stage(self, test: Test) -> MpiWork:
        work = MpiWork(self, test, None)
        self.underway.add(work)
        return work

    def _sum(self, rows: Sequence[Array], tree: Tree, out: Array) -> MpiWork:
        if self.size == 1:
            tree.fold(rows, out)
            return MpiWork(self, MPI.REQUEST_NULL.Test, None)
        if self.size == 2 and tree.leaves == 2 and out.dtype.char in _MPI_ADDS:  # one addition: any order will do
            if rows[0] is not out:
                out[...] = rows[0]
            work = MpiWork(self, self._comm.Iallreduce(MPI.IN_PLACE, out).Test, None)
        else:
            work = (self._gather_whole if out.nbytes <= _SMALL_BYTES else self._gather_slices)(rows, tree, out)
        self.underway.add(work)
        return work

    def _gather_whole(self, rows: Sequence[Array], tree: Tree, out: Array) -> MpiWork:
        everybody = self._borrow(self.size * tree.most, out)
        mine = everybody[self.rank * tree.most :][: tree.most]
        for row, at in zip(rows, mine, strict=False):  # the rank that has most blocks sets the length
            at[...] = row
        request = self._comm.Iallgather(MPI.IN_PLACE, _raw(everybody.reshape(-1)))

        def finish() -> Test:
            held = [everybody[r * tree.most + k] for r, blocks in enumerate(tree.blocks) for k in range(len(blocks))]
            tree.fold(held, out)
            self._give_back(everybody)
            return MPI.REQUEST_NULL.Test

        return MpiWork(self, request.Test, finish)

    def _gather_slices(self, rows: Sequence[Array], tree: Tree, out: Array) -> MpiWork:
        test, parts = self._collect([self._slices(row) for row in rows], tree)
        slices, tag = self._slices(out), self._tag

        def gather() -> Test:
            tree.fold(list(parts), slices[self.rank])
            self._give_back(parts)
            return self._exchange([[slices[self.rank]]] * self.size, [[part] for part in slices], tag)

        return MpiWork(self, test, gather)

    def _collect(self, slices: Sequence[list[Array]], tree: Tree) -> tuple[Test, Array]:
        """Begin to collect this rank's slice of everybody's rows: a part for each block of the tree.

        ``slices[k][r]`` is rank r's slice of this rank's row k.
        """
        parts = self._borrow(len(tree.rows), slices[0][self.rank])
        by_rank, at = [], 0
        for blocks in tree.blocks:
            by_rank.append(list(parts[at : at + len(blocks)]))
            at += len(blocks)
        for part, mine in zip(by_rank[self.rank], slices, strict=True):
            part[...] = mine[self.rank]
        self._works += 1
        send = [[row[r] for row in slices] for r in range(self.size)]
        return self._exchange(send, by_rank, self._tag), parts

    @property
    def _tag(self) -> int:
        return self._works % _TAGS

    def _exchange(self, send: Sequence[list[Array]], receive: Sequence[list[Array]], tag: int) -> Test:
        """Begin to send the vectors of ``send[r]`` to every other rank r, and to receive its ``receive[r]``."""
        requests = [self._comm.Irecv(_raw(part), r, tag) for r in self._others for part in receive[r]]
        requests += [self._comm.Isend(_raw(part), r, tag) for r in self._others for part in send[r]]
        return lambda: MPI.Request.Testall(requests)

    def _slices(self, vector: Array) -> list[Array]:
        return [vector[slice(*bounds(vector.size, r, self.size))] for r in range(self.size)]

    def _borrow(self, rows: int, like: Array) -> Array:
        """Scratch of ``rows`` rows like a vector: fresh memory costs more, in page faults, than filling it."""
        nbytes = rows * like.nbytes
        spare = self._scratch.get(nbytes)
        raw = spare.pop() if spare else np.empty(nbytes, np.uint8)
        return raw.view(like.dtype).reshape(rows, like.size)

    def _give_back(self, rows: Array) -> None:
        self._scratch.setdefault(rows.nbytes, []).append(rows.reshape(-1).view(np.uint8))


def _raw(vector: Array) -> Array:
    """The bytes of a vector: they travel as they are, whatever the dtype."""
    return vector.view(np.uint8)
