"""Wraps a backend: before each collective, all ranks agree on what they are about to call.

MPI does not notice that one rank sums other numbers than the rest: swapped buckets, another dtype of the same size, a
step left out. The run ends with exit code 0 and wrong weights. Here the first such call raises on every rank.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Array, Communicator, Work
from ddtrain.comm.solo import SoloNode
from ddtrain.comm.tree import Tree
from ddtrain.comm.waitgraph import caller_line, ranks
from ddtrain.errors import ReplicaError

_HEADER_BYTES = 256  # a description and, not compared, the end of the calling line


class DebugCommunicator:
    """A communicator that checks before it calls. Its methods: see :class:`~ddtrain.comm.protocol.Communicator`.

    Every call costs an allgather of 256 bytes a rank, and ``iallreduce`` waits for the other ranks to begin theirs.

    >>> from ddtrain.comm.local import LocalCommunicator
    >>> comm = DebugCommunicator(LocalCommunicator())
    >>> comm.spec, comm.exchange_objects(1)
    ('debug:local', [1])
    """

    def __init__(self, inner: Communicator) -> None:
        self._inner, self._headers = inner, inner.duplicate()
        self.rank, self.size, self.spec = inner.rank, inner.size, f"debug:{inner.spec}"
        self._sequence = 0

    @property
    def waited_s(self) -> float:
        """Seconds blocked, for headers too."""
        return self._inner.waited_s + self._headers.waited_s

    def allreduce(self, buf: Array) -> None:
        self._agree("allreduce sum", buf)
        self._inner.allreduce(buf)

    def iallreduce(self, buf: Array) -> Work:
        self._agree("iallreduce sum", buf)
        return self._inner.iallreduce(buf)

    def isum(self, rows: Sequence[Array], tree: Tree, out: Array) -> Work:
        self._agree(f"isum of {len(tree.rows)} blocks", out)
        return self._inner.isum(rows, tree, out)

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        self._agree("reduce_scatter sum", buf)
        self._inner.reduce_scatter(buf, out)

    def allgather(self, send: Array, out: Array) -> None:
        self._agree("allgather", send)
        self._inner.allgather(send, out)

    def iallgather(self, send: Array, out: Array) -> Work:
        self._agree("iallgather", send)
        return self._inner.iallgather(send, out)

    def ialltoall(self, send: Array, out: Array) -> Work:
        self._agree("ialltoall", send)
        return self._inner.ialltoall(send, out)

    def ishift(self, send: Array, out: Array) -> Work:
        self._agree("ishift", send)
        return self._inner.ishift(send, out)

    def broadcast(self, buf: Array, root: int = 0) -> None:
        self._agree(f"broadcast from root {root}", buf)
        self._inner.broadcast(buf, root)

    def exchange_objects(self, obj: Any) -> list[Any]:
        self._agree("exchange_objects")
        return self._inner.exchange_objects(obj)

    def barrier(self) -> None:
        self._agree("barrier")
        self._inner.barrier()

    def progress(self) -> None:
        self._inner.progress()

    def duplicate(self) -> DebugCommunicator:
        self._agree("duplicate")
        return DebugCommunicator(self._inner.duplicate())

    def split_nodes(self, shared_bytes: int = 0, once_bytes: int = 0) -> SoloNode:
        """Every rank alone, so that all exchange goes through collectives, which are compared."""
        return SoloNode(self)

    def abort(self, code: int) -> None:
        self._inner.abort(code)

    def close(self) -> None:
        self._headers.close()
        self._inner.close()

    def part(self, outcome: str, patience_s: float | None) -> list[str] | None:
        return self._inner.part(outcome, patience_s)

    def fail(self, error: BaseException, code: int) -> None:
        self._inner.fail(error, code)

    def _agree(self, operation: str, buf: Array | None = None) -> None:
        """Compare this call with everybody's, and raise ReplicaError on all ranks where they differ."""
        self._sequence += 1
        call = operation if buf is None else f"{operation} of {buf.size} x {buf.dtype}"
        header = f"number {self._sequence}: {call}\0{caller_line(sys._getframe())[-100:]}"
        rows = np.empty((self.size, _HEADER_BYTES), np.uint8)
        send = np.frombuffer(header.encode()[:_HEADER_BYTES].ljust(_HEADER_BYTES, b"\0"), np.uint8)
        self._headers.allgather(send, rows)
        calls = [row.tobytes().decode(errors="replace").rstrip("\0").split("\0") for row in rows]
        if len({call for call, _ in calls}) > 1:
            raise ReplicaError(_difference(calls), remedy="All ranks must call the same collectives in the same order.")


def _difference(calls: list[list[str]]) -> str:
    """Who differs from the majority, and both sides."""
    usual = Counter(call for call, _ in calls).most_common(1)[0][0]
    odd = [rank for rank, (call, _) in enumerate(calls) if call != usual]
    alike = [rank for rank in range(len(calls)) if rank not in odd]
    sides = [f"{ranks(alike)}: {usual}, at {calls[alike[0]][1]}"]
    sides += [f"rank {rank}: {calls[rank][0]}, at {calls[rank][1]}" for rank in odd]
    verb = "calls another collective" if len(odd) == 1 else "call other collectives"
    return f"{ranks(odd)} {verb} than {ranks(alike)}\n    " + "\n    ".join(sides)
