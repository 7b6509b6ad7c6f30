"""Small collectives through memory give what the communicator gives, at any pace; large ones still go the usual way."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from ddtrain.comm.node import futex
from ddtrain.errors import ShapeError
from ddtrain.parallel import make_small_collectives
from ddtrain.parallel.collectives.shared_memory import LIMIT_BYTES, SharedMemoryCollectives


def exchange(comm: Any, pause: Any) -> list[Any]:
    """Many collectives of all kinds in a row, each from what this rank and turn make of them."""
    found = []
    for turn in range(60):
        pause(turn)
        root, count = turn % comm.size, (1, 7, 100)[turn % 3]
        buf = np.full(count, 10.0**turn if turn < 16 else turn) + comm.rank / 3
        comm.allreduce(buf)
        word = np.array([turn * (comm.rank + 1)], np.int32)
        if turn % 5:
            comm.broadcast(word, root)
        rows = np.full((comm.size, 2, 3), -77.0)
        if turn % 4:
            comm.allgather(np.full((2, 3), float(comm.rank + turn)), rows)
        found.append([buf.tolist(), word.tolist(), rows.tolist()])
    return found


@pytest.mark.mpi(min_size=2)
@pytest.mark.parametrize("slow", [0, 1])
@pytest.mark.parametrize("with_futex", [True, False])
def test_memory_gives_what_messages_give(
    comm: Any, slow: int, with_futex: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(futex, "AVAILABLE", futex.AVAILABLE and with_futex)
    node = comm.split_nodes(1 << 20)
    near = make_small_collectives(comm.duplicate(), node, 4)
    assert isinstance(near, SharedMemoryCollectives)
    late = lambda turn: time.sleep(2e-3 * (comm.rank == slow and turn % 7 == 0))  # others must not run ahead
    assert exchange(near, late) == exchange(comm, lambda turn: None)


@pytest.mark.mpi(min_size=2)
def test_what_does_not_fit_goes_the_usual_way(comm: Any) -> None:
    near = make_small_collectives(comm.duplicate(), comm.split_nodes(1 << 20), 4)
    count = LIMIT_BYTES // 8 + 1
    buf, rows = np.full(count, 1.0), np.empty((comm.size, count))
    near.allreduce(buf)
    near.allgather(np.full(count, float(comm.rank)), rows)
    word = np.full(count, float(comm.rank))
    near.broadcast(word, comm.size - 1)
    assert set(buf) == {float(comm.size)}
    assert [set(row) for row in rows] == [{float(r)} for r in range(comm.size)]
    assert set(word) == {comm.size - 1.0}


@pytest.mark.mpi(min_size=2)
def test_wrong_buffers_are_refused_as_elsewhere(comm: Any) -> None:
    near, matrix = make_small_collectives(comm.duplicate(), comm.split_nodes(1 << 20), 4), np.zeros((4, 6))
    for call in (
        lambda: near.allreduce(matrix[:, ::2]),
        lambda: near.broadcast(matrix[::2]),
        lambda: near.broadcast(matrix, comm.size),
        lambda: near.allgather(np.zeros(3), np.zeros((comm.size, 4))),
    ):
        with pytest.raises(ShapeError):
            call()
