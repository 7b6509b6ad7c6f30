"""What all backends do with buffers: check them, and send JSON through them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Array, Communicator
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.errors import ReplicaError, ShapeError
from ddtrain.partition import part_bounds

_MOST_BYTES = 1 << 30  # of one rank's JSON text


def flat(operation: str, buf: Array) -> Array:
    """The buffer as a vector that shares its memory, 0-d included.

    Raises
    ------
    ShapeError : the buffer is not C-contiguous, so no vector shares its memory.
    """
    if not buf.flags.c_contiguous:
        raise ShapeError(
            f"{operation}: the buffer of shape {buf.shape} and strides {buf.strides} is not C-contiguous",
            remedy="Communicate from np.ascontiguousarray(buf), and copy back what should come back.",
        )
    return buf.reshape(-1)


def check_isum(rows: Sequence[Array], tree: ReductionTree, out: Array, rank: int) -> None:
    """Raise ShapeError unless there is a row for each of this rank's blocks, all of them like ``out``."""
    wanted = len(tree.blocks[rank])
    if len(rows) != wanted:
        raise ShapeError(f"isum: {len(rows)} rows for the {wanted} blocks {tree.blocks[rank]} of this rank", rank=rank)
    for row in (*rows, out):
        if row.ndim != 1 or row.size != out.size or row.dtype != out.dtype or not row.flags.c_contiguous:
            raise ShapeError(
                f"isum: a row is {row.shape} {row.dtype}, strides {row.strides}, but out is {out.shape} {out.dtype}",
                remedy="Rows and out are contiguous vectors of one length and dtype.",
                rank=rank,
            )


def check_reduce_scatter(buf: Array, out: Array, rank: int, size: int) -> None:
    """Raise ShapeError unless ``out`` fits this rank's slice of ``buf``."""
    first, last = part_bounds(buf.size, rank, size)
    if out.size != last - first or out.dtype != buf.dtype:
        raise ShapeError(
            f"reduce_scatter: out holds {out.size} x {out.dtype} but this rank's slice is {last - first} x {buf.dtype}"
            f" (elements {first} to {last} of {buf.size})",
            rank=rank,
        )


def check_allgather(send: Array, out: Array, size: int) -> None:
    """Raise ShapeError unless ``out`` has a row for every rank's ``send``."""
    if out.shape != (size, *send.shape) or out.dtype != send.dtype:
        raise ShapeError(
            f"allgather: out is {out.shape} {out.dtype} but {size} ranks send {send.shape} {send.dtype} each",
            remedy=f"Give an out of shape {(size, *send.shape)}.",
        )


def check_alltoall(send: Array, out: Array, size: int) -> None:
    """Raise ShapeError unless ``send`` and ``out`` have a row for every rank, and the same."""
    if send.shape[:1] != (size,) or out.shape != send.shape or out.dtype != send.dtype:
        raise ShapeError(
            f"alltoall: send is {send.shape} {send.dtype} and out {out.shape} {out.dtype} among {size} ranks",
            remedy="Give both a row for every rank.",
        )


def check_shift(send: Array, out: Array) -> None:
    """Raise ShapeError unless ``out`` can take another rank's ``send``."""
    if out.shape != send.shape or out.dtype != send.dtype:
        raise ShapeError(f"shift: send is {send.shape} {send.dtype}, but out {out.shape} {out.dtype}")


def check_root(root: int, size: int) -> None:
    """Raise ShapeError unless ``root`` is a rank."""
    if not 0 <= root < size:
        raise ShapeError(f"broadcast: root {root} is not a rank, ranks are 0 to {size - 1}")


def exchange_json(comm: Communicator, obj: Any) -> list[Any]:
    """``comm.exchange_objects`` for every backend: JSON and not pickle, which could run code.

    Raises
    ------
    ReplicaError : what another rank sent is no JSON text, or of a length that none has: it was in another call
    """
    text = np.frombuffer(json.dumps(obj).encode(), np.uint8)
    lengths = np.empty((comm.size, 1), np.int64)
    comm.allgather(np.array([text.size], np.int64), lengths)
    for rank, length in enumerate(lengths[:, 0]):
        if not 0 < length <= _MOST_BYTES:
            raise _of_another_call(f"rank {rank} sends {length} bytes")
    padded = np.zeros(int(lengths.max()), np.uint8)
    padded[: text.size] = text
    rows = np.empty((comm.size, padded.size), np.uint8)
    comm.allgather(padded, rows)
    try:
        return [json.loads(row[: int(length)].tobytes()) for row, length in zip(rows, lengths[:, 0], strict=True)]
    except ValueError:
        raise _of_another_call("what a rank sent is no JSON text") from None


def _of_another_call(what: str) -> ReplicaError:
    return ReplicaError(
        f"exchange_objects: {what}: the ranks called different collectives",
        remedy="Let all ranks make the same calls in the same order; --comm.backend debug names the rank that differs.",
    )
