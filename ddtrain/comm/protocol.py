"""What every backend offers, in MPI's own words: buffers are C-contiguous NumPy arrays, changed in place.

There is one reduction, the sum, and its order is part of the contract:

Note [Rank order]
A reduction is ((r0 + r1) + r2) + ..., element by element, on every backend, at every message size. Floating-point
addition does not associate, and the algorithms of an MPI library change with size and placement; with the order
fixed, neither the bucket size, nor the algorithm, nor threads in place of processes changes a bit of a run.
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from ddtrain.errors import DdtrainError

Array = NDArray[Any]


class PeerError(DdtrainError):
    """Another rank failed, so this one cannot go on. The other rank's error is the one to read."""


class Work(Protocol):
    """A collective under way. Its buffer belongs to the communicator until the work is done."""

    def test(self) -> bool:
        """Drive progress; True when done."""
        ...

    def wait(self) -> None:
        """Return when done."""
        ...


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
        """Replace ``buf`` by its sum over the ranks, in rank order (Note [Rank order])."""
        ...

    def iallreduce(self, buf: Array) -> Work:
        """Begin an allreduce. Works may be awaited in any order, and drive each other."""
        ...

    def reduce_scatter(self, buf: Array, out: Array) -> None:
        """Put elements ``n * r // size`` to ``n * (r + 1) // size`` of the sum into rank r's ``out``; keep ``buf``."""
        ...

    def allgather(self, send: Array, out: Array) -> None:
        """Put rank r's ``send`` into everybody's ``out[r]``; ``out.shape == (size, *send.shape)``."""
        ...

    def broadcast(self, buf: Array, root: int = 0) -> None:
        """Replace everybody's ``buf`` by that of rank ``root``."""
        ...

    def exchange_objects(self, obj: Any) -> list[Any]:
        """Everybody's JSON-able value, in rank order. Values travel as JSON: a tuple arrives as a list."""
        ...

    def barrier(self) -> None:
        """Return when every rank has come here."""
        ...

    def progress(self) -> None:
        """Move works along. Call it between pieces of computation: MPI does not advance by itself."""
        ...

    def duplicate(self) -> Communicator:
        """An independent channel between the same ranks. Collective; the k-th on one rank meets the k-th on others."""
        ...

    def alloc(self, count: int, dtype: DTypeLike) -> Array:
        """A zeroed vector that this backend communicates well from."""
        ...

    def abort(self, code: int) -> None:
        """End all ranks now, with this exit code. Does not return; meant for failures that cannot be raised."""
        ...

    def close(self) -> None:
        """Release what the communicator holds. No collective may be under way."""
        ...

    def part(self, outcome: str, patience_s: float | None) -> list[str] | None:
        """Say how this rank ends (at most 64 ASCII characters) and hear how the others do; for ``run_ranks`` alone.

        Returns everybody's outcome in rank order, or None when not all ranks came within ``patience_s``
        (None: wait for ever) or can no longer come.
        """
        ...

    def fail(self, error: BaseException, code: int) -> None:
        """Stop the other ranks because this one failed with ``error``; for ``run_ranks`` alone."""
        ...
