"""One rank: every sum is the rank's own buffer, and it never waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


class DoneWork:
    """Work that was finished when it began."""

    def test(self) -> bool:
        """True."""
        return True

    def wait(self) -> None:
        """Return at once."""


_DONE = DoneWork()


class LocalCommunicator:
    """The communicator of a run in one process; base class of other communicators that send nothing.

    >>> comm = LocalCommunicator()
    >>> comm.exchange_objects({"host": "here"})
    [{'host': 'here'}]
    """

    rank = 0
    size = 1
    spec = "local"
    waited_s = 0.0

    def allreduce(self, buf: Array) -> None:
        """See :class:`~ddtrain.comm.protocol.Communicator`, as for all methods."""
        flat("allreduce", buf)

    def iallreduce(self, buf: Array) -> DoneWork:
        flat("iallreduce", buf)
        return _DONE

    def isum(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> DoneWork:
        check_isum(rows, tree, out, self.rank)
        if rows[0] is not out:
            out[...] = rows[0]
        return _DONE

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        check_reduce_scatter(buf, out, self.rank, self.size)
        flat("reduce_scatter", out)[...] = flat("reduce_scatter", buf)[: out.size]

    def allgather(self, send: Array, out: Array) -> None:
        check_allgather(send, out, self.size)
        flat("allgather", out).reshape(self.size, -1)[...] = flat("allgather", send)

    def iallgather(self, send: Array, out: Array) -> DoneWork:
        self.allgather(send, out)
        return _DONE

    def ialltoall(self, send: Array, out: Array) -> DoneWork:
        check_alltoall(send, out, self.size)
        flat("alltoall", out).reshape(self.size, -1)[...] = flat("alltoall", send).reshape(self.size, -1)[self.rank]
        return _DONE

    def ishift(self, send: Array, out: Array) -> DoneWork:
        check_shift(send, out)
        flat("shift", out)[...] = flat("shift", send)
        return _DONE

    def broadcast(self, buf: Array, root: int = 0) -> None:
        check_root(root, self.size)
        flat("broadcast", buf)

    def exchange_objects(self, obj: Any) -> list[Any]:
        return exchange_json(self, obj)

    def barrier(self) -> None:
        pass

    def progress(self) -> None:
        pass

    def duplicate(self) -> LocalCommunicator:
        return LocalCommunicator()

    def split(self, color: int) -> LocalCommunicator:
        return self.duplicate()

    def split_nodes(self, bytes_per_rank: int = 0, bytes_per_node: int = 0) -> SingleRankNode:
        return SingleRankNode(self)

    def abort(self, code: int) -> None:
        end_process(code)

    def close(self) -> None:
        pass

    def exchange_outcomes(self, outcome: str, timeout_s: float | None) -> list[str] | None:
        return [outcome] * self.size

    def fail(self, error: BaseException, code: int) -> None:
        pass
