"""What every backend offers, in MPI's own words: buffers are C-contiguous NumPy arrays, changed in place.

There is one reduction, the sum, and its order is part of the contract: Note [Tree order] in ``reduction_tree.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import DTypeLike

from ddtrain.comm.reduction_tree import Array as Array
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.errors import DdtrainError


class PeerError(DdtrainError):
    """Another rank failed, so this one cannot go on. The other rank's error is the one to read."""


class Work(Protocol):
    """A collective under way. Its buffer belongs to the communicator until the work is done.

    >>> import numpy as np
    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     buf = np.ones(2)
    ...     work = comm.iallreduce(buf)
    ...     local = 2 + 2  # computing goes on meanwhile
    ...     work.wait()
    ...     if comm.rank == 0:
    ...         print(buf, local)
    >>> run_ranks("threads:3", main)
    [3. 3.] 4
    0
    """

    def test(self) -> bool:
        """Drive progress; True when done."""
        ...

    def wait(self) -> None:
        """Return when done."""
        ...


class Node(Protocol):
    """The ranks that share memory with this one, as seen from it. Its methods are collective over the node.

    Attributes
    ----------
    rank, size : this rank's number within the node, counted from 0, and the node's number of ranks
    index : the node's number, counted from 0 in the order of the ranks
    sizes : the sizes of all nodes
    column : communicator of the ranks with this local rank on all nodes; None if some node has no such rank
    spec : how the node shares memory, in words for the user
    why_not_shared : why ranks of one machine do not share memory; empty if they do
    """

    rank: int
    size: int
    index: int
    sizes: tuple[int, ...]
    column: Communicator | None
    spec: str
    why_not_shared: str

    @property
    def waited_s(self) -> float:
        """Seconds that this rank has been blocked, waiting for others of the node."""
        ...

    def alloc(self, count: int, dtype: DTypeLike) -> list[Array]:
        """Zeroed vectors in memory shared by the node: one of each rank, of its ``count`` elements, by local rank."""
        ...

    def post(self, counter: int, value: int) -> None:
        """Set this rank's counter; a rank that sees ``value`` also sees everything that this rank wrote before.

        Each rank has a few counters (``COUNTERS``) that start at 0 and only rise.
        """
        ...

    def reached(self, counter: int, value: int) -> bool:
        """Whether the counter has reached ``value`` on all ranks of the node."""
        ...

    def wait(self, counter: int, value: int, rank: int | None = None) -> None:
        """Return when the counter has reached ``value`` on all ranks of the node, or on ``rank`` if given."""
        ...

    def close(self) -> None:
        """Release the column; shared memory lives until the process ends or no array uses it."""
        ...


COUNTERS = 12  # how many counters each rank of a node has
RETURNED = "returned"  # first word in the outcome of a rank whose main returned


class Communicator(Protocol):
    """One rank's end of a group of ranks. All ranks call the same collectives in the same order.

    >>> import numpy as np
    >>> from ddtrain.comm import run_ranks
    >>> def main(comm: Communicator) -> None:
    ...     buf = np.array([comm.rank + 1.0])
    ...     comm.allreduce(buf)
    ...     if comm.rank == 0:
    ...         print(buf)
    >>> run_ranks("threads:3", main)
    [6.]
    0
    """

    rank: int
    size: int
    spec: str

    @property
    def waited_s(self) -> float:
        """Seconds that this rank has spent blocked in this communicator so far."""
        ...

    def allreduce(self, buf: Array) -> None:
        """Replace ``buf`` by its sum over the ranks; each rank is a leaf of the tree (Note [Tree order])."""
        ...

    def iallreduce(self, buf: Array) -> Work:
        """Begin an allreduce. Works may be awaited in any order, and drive each other."""
        ...

    def isum(self, rows: Sequence[Array], tree: ReductionTree, out: Array) -> Work:
        """Begin to sum all ranks' rows in the order of ``tree`` into every rank's ``out``.

        Parameters
        ----------
        rows : contiguous vectors of one length and dtype, one for each of ``tree.blocks[rank]``; may be overwritten
        out : another such vector, or ``rows[0]``
        """
        ...

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        """Put elements ``n * r // size`` to ``n * (r + 1) // size`` of the sum into rank r's ``out``; keep ``buf``."""
        ...

    def allgather(self, send: Array, out: Array) -> None:
        """Put rank r's ``send`` into every rank's ``out[r]``; ``out.shape == (size, *send.shape)``."""
        ...

    def iallgather(self, send: Array, out: Array) -> Work:
        """Begin an allgather."""
        ...

    def ialltoall(self, send: Array, out: Array) -> Work:
        """Begin to put rank r's ``send[q]`` into rank q's ``out[r]``; both have a row for every rank."""
        ...

    def ishift(self, send: Array, out: Array) -> Work:
        """Begin to put rank r's ``send`` into the ``out`` of rank r + 1, and the last rank's into that of rank 0."""
        ...

    def broadcast(self, buf: Array, root: int = 0) -> None:
        """Replace every rank's ``buf`` by that of rank ``root``."""
        ...

    def exchange_objects(self, obj: Any) -> list[Any]:
        """Every rank's JSON-able value, in rank order. Values travel as JSON: a tuple arrives as a list."""
        ...

    def barrier(self) -> None:
        """Return when every rank has called this."""
        ...

    def progress(self) -> None:
        """Drive works under way. Call it between pieces of computation: MPI does not advance by itself."""
        ...

    def duplicate(self) -> Communicator:
        """An independent communicator of the same ranks. Collective: the k-th duplicates of all ranks are one."""
        ...

    def split(self, color: int) -> Communicator:
        """An independent communicator of the ranks that give the same color, in the order of their ranks. Collective.

        A rank that fails ends all ranks of the communicator that was split.
        """
        ...

    def split_nodes(self, bytes_per_rank: int = 0, bytes_per_node: int = 0) -> Node:
        """Find the ranks that share memory with this one, and its column on the other nodes. Collective.

        Parameters
        ----------
        bytes_per_rank : bytes that each rank is going to allocate; if there is less memory, every rank is a node of its
            own, and ``node.why_not_shared`` says why; -1: share nothing
        bytes_per_node : further bytes that one rank of each node is going to allocate for all of them
        """
        ...

    def abort(self, code: int) -> None:
        """End all ranks now, with this exit code. Does not return; meant for failures that cannot be raised."""
        ...

    def close(self) -> None:
        """Release what the communicator holds, and all that was made of it: duplicates, groups, nodes. Collective.

        No collective may be under way, and no memory of its nodes may be used any more. It may be called again.
        """
        ...

    def exchange_outcomes(self, outcome: str, timeout_s: float | None) -> list[str] | None:
        """Exchange how the ranks have ended, at most 64 ASCII characters each; for ``run_ranks`` alone.

        Returns all ranks' outcomes in rank order, or None if not all ranks came within ``timeout_s`` (None: wait
        forever) or some can no longer come.
        """
        ...

    def fail(self, error: BaseException, code: int) -> None:
        """Stop the other ranks because this one failed with ``error``; for ``run_ranks`` alone."""
        ...
