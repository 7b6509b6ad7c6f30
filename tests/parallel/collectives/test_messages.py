"""Small collectives as messages: what the communicator gives, once tags agree."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import ReplicaError, ShapeError
from ddtrain.parallel.collectives.messages import MessageCollectives
from worlds import World


def test_sums_rows_and_words_are_the_communicators() -> None:
    def body(comm: Any) -> tuple[Any, Any, Any]:
        near = MessageCollectives(comm.duplicate())
        buf, rows, word = np.full(3, 10.0**comm.rank), np.empty((comm.size, 2)), np.full((2, 2), comm.rank, np.int32)
        near.allreduce(buf)
        near.allgather(np.full(2, float(comm.rank)), rows)
        near.broadcast(word, root=1)
        near.end_pass()
        near.allreduce(buf)
        return buf.tolist(), rows.tolist(), word.tolist()

    for buf, rows, word in World("threads:3").run(body):
        assert buf == [333.0] * 3
        assert rows == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]
        assert word == [[1, 1], [1, 1]]


def test_what_a_broadcast_brings_is_not_believed_where_it_is_of_something_else() -> None:
    def body(comm: Any) -> float:
        near, word = MessageCollectives(comm.duplicate()), np.full(2, float(comm.rank))
        if comm.rank == 1:
            word = word.astype(np.int64)
        with pytest.raises(ReplicaError, match="float64") if comm.rank == 1 else nullcontext():
            near.broadcast(word)
        return float(word[0])

    assert World("threads:2").run(body) == [0.0, 1.0]


def test_a_rank_alone_exchanges_no_tags() -> None:
    near, buf, rows = MessageCollectives(LocalCommunicator()), np.arange(2.0), np.empty((1, 2))
    near.allreduce(buf)
    near.allgather(buf, rows)
    np.testing.assert_array_equal(rows, [buf])


def test_seconds_are_those_of_both_communicators() -> None:
    near: Any = MessageCollectives(LocalCommunicator())
    near.comm.waited_s, near._tags.waited_s = 1.0, 0.25
    assert near.waited_s == 1.25


@pytest.mark.parametrize(
    "call",
    [
        lambda near: near.broadcast(np.zeros(2), root=5),
        lambda near: near.broadcast(np.zeros(4)[::2]),
        lambda near: near.allgather(np.zeros(2), np.zeros((4, 2))),
    ],
)
def test_buffers_that_do_not_fit_are_refused_before_anything_is_sent(call: Any) -> None:
    def body(comm: Any) -> None:
        with pytest.raises(ShapeError):
            call(MessageCollectives(comm.duplicate()))

    World("threads:2").run(body)
