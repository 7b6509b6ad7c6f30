"""Rows that ranks have computed, put together in rank order: arrays whose lengths differ between ranks."""

# P ranks, N rows of all of them

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddtrain.comm.protocol import Array, Communicator


def gather_rows(comm: Communicator, mine: Sequence[Array], everywhere: bool = True) -> list[Array]:
    """Each of some arrays with the rows of all ranks, in rank order. Collective.

    Parameters
    ----------
    mine : this rank's rows, possibly none: as many arrays on every rank, alike but for their first axis
    everywhere : whether all ranks get them; else the ranks after the first keep their own, which saves their memory

    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     (rows,) = gather_rows(comm, [np.full((comm.rank, 2), comm.rank)])
    ...     if comm.rank == 0:
    ...         print(rows.tolist())
    >>> run_ranks("threads:3", main)
    [[1, 1], [2, 2], [2, 2]]
    0
    """
    if comm.size == 1:
        return list(mine)
    lengths = comm.exchange_objects([len(x) for x in mine])
    return [_gathered(comm, x, [rank[k] for rank in lengths], everywhere) for k, x in enumerate(mine)]


def _gathered(comm: Communicator, mine: Array, lengths: Sequence[int], everywhere: bool) -> Array:
    parts = []
    for rank, length in enumerate(lengths):
        part = np.array(mine, order="C") if rank == comm.rank else np.empty((length, *mine.shape[1:]), mine.dtype)
        if length:
            comm.broadcast(part.reshape(-1).view(np.uint8), rank)
        if everywhere or not comm.rank:
            parts.append(part)
    return np.concatenate(parts) if parts else mine
