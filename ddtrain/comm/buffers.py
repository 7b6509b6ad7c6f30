"""What all backends do with buffers: check them, cut them into slices, fold them, send JSON through them.

P ranks, n elements.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Array, Communicator
from ddtrain.errors import ShapeError

_CHUNK = 1 << 14  # elements: a chunk of the sum stays in the first-level caches while every row is added to it


def bounds(count: int, rank: int, size: int) -> tuple[int, int]:
    """First and last-plus-one element of the slice of ``count`` elements that ``rank`` of ``size`` owns.

    >>> [bounds(7, r, 3) for r in range(3)]
    [(0, 2), (2, 4), (4, 7)]
    """
    return count * rank // size, count * (rank + 1) // size


def fold(rows_Pn: Sequence[Array] | Array, out_n: Array) -> None:
    """Sum vectors in the order given (Note [Rank order]); ``out_n`` may be one of them only if it is the first.

    Overflow and NaN pass in silence, as through an MPI library: finding them is the trainer's decision.

    >>> out = np.empty(1)
    >>> fold([np.array([1e16]), np.array([1.0]), np.array([-1e16])], out); out
    array([0.])
    >>> fold([np.array([1e16]), np.array([-1e16]), np.array([1.0])], out); out
    array([1.])
    """
    if len(rows_Pn) == 1:
        out_n[...] = rows_Pn[0]
        return
    first, second, *others = rows_Pn
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, out_n.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            sum_n = out_n[part]
            np.add(first[part], second[part], out=sum_n)
            for row_n in others:
                np.add(sum_n, row_n[part], out=sum_n)


def flat(operation: str, buf: Array) -> Array:
    """The buffer as a vector that shares its memory, 0-d included.

    Raises
    ------
    ShapeError : not C-contiguous, so there is no such vector.
    """
    if not buf.flags.c_contiguous:
        raise ShapeError(
            f"{operation}: the buffer of shape {buf.shape} and strides {buf.strides} is not C-contiguous",
            remedy="Communicate from np.ascontiguousarray(buf), and copy back what should come back.",
        )
    return buf.reshape(-1)


def check_slice(buf: Array, out: Array, rank: int, size: int) -> None:
    """Raise ShapeError unless ``out`` fits this rank's slice of ``buf``."""
    first, last = bounds(buf.size, rank, size)
    if out.size != last - first or out.dtype != buf.dtype:
        raise ShapeError(
            f"reduce_scatter: out holds {out.size} x {out.dtype} but this rank's slice is {last - first} x {buf.dtype}"
            f" (elements {first} to {last} of {buf.size})",
            rank=rank,
        )


def check_gather(send: Array, out: Array, size: int) -> None:
    """Raise ShapeError unless ``out`` has a row for every rank's ``send``."""
    if out.shape != (size, *send.shape) or out.dtype != send.dtype:
        raise ShapeError(
            f"allgather: out is {out.shape} {out.dtype} but {size} ranks send {send.shape} {send.dtype} each",
            remedy=f"Give an out of shape {(size, *send.shape)}.",
        )


def check_root(root: int, size: int) -> None:
    """Raise ShapeError unless ``root`` is a rank."""
    if not 0 <= root < size:
        raise ShapeError(f"broadcast: root {root} is not a rank, ranks are 0 to {size - 1}")


def exchange_json(comm: Communicator, obj: Any) -> list[Any]:
    """``comm.exchange_objects`` for every backend: JSON, never pickle, because data must not become code."""
    text = np.frombuffer(json.dumps(obj).encode(), np.uint8)
    lengths = np.empty((comm.size, 1), np.int64)
    comm.allgather(np.array([text.size], np.int64), lengths)
    padded = np.zeros(int(lengths.max()), np.uint8)
    padded[: text.size] = text
    rows = np.empty((comm.size, padded.size), np.uint8)
    comm.allgather(padded, rows)
    return [json.loads(row[: int(length)].tobytes()) for row, length in zip(rows, lengths[:, 0], strict=True)]
