"""Buffers: vectors that share memory, and one line for each way not to fit; objects travel as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm import buffers
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.errors import ReplicaError, ShapeError
from worlds import World


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 4)])
def test_a_vector_shares_the_buffers_memory(shape: tuple[int, ...]) -> None:
    buf = np.zeros(shape)
    vector = buffers.flat("allreduce", buf)
    vector[...] = 3.0
    assert vector.shape == (buf.size,)
    assert (buf == 3.0).all()


@pytest.mark.parametrize("buf", [np.zeros(6)[::2], np.zeros((2, 3)).T, np.zeros((2, 4))[:, :3]])
def test_gaps_are_refused_with_what_to_do(buf: Any) -> None:
    with pytest.raises(ShapeError, match=r"allreduce: the buffer of shape .* is not C-contiguous") as caught:
        buffers.flat("allreduce", buf)
    assert "np.ascontiguousarray" in caught.value.remedy


TREE = ReductionTree.of_shards(8, 3)  # rank 1 has the blocks (2, 4) and (4, 5)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([np.zeros(3)], "1 rows for the 2 blocks"),
        ([np.zeros(3), np.zeros(4)], r"a row is \(4,\) float64"),
        ([np.zeros(3), np.zeros(3, np.float32)], r"a row is \(3,\) float32"),
        ([np.zeros(3), np.zeros(6)[::2]], r"strides \(16,\)"),
        ([np.zeros(3), np.zeros((3, 1))], r"a row is \(3, 1\)"),
    ],
)
def test_rows_of_a_sum(rows: list[Any], said: str) -> None:
    buffers.check_isum([np.zeros(3), np.zeros(3)], TREE, np.zeros(3), rank=1)
    with pytest.raises(ShapeError, match=f"isum: .*{said}") as caught:
        buffers.check_isum(rows, TREE, np.zeros(3), rank=1)
    assert caught.value.place == {"rank": 1}


def test_the_slice_of_a_rank() -> None:
    buffers.check_reduce_scatter(np.zeros(8), np.zeros(3), rank=1, size=3)
    with pytest.raises(
        ShapeError, match=r"out holds 2 x float64 but this rank's slice is 3 x float64 \(elements 2 to 5"
    ):
        buffers.check_reduce_scatter(np.zeros(8), np.zeros(2), rank=1, size=3)


@pytest.mark.parametrize(
    ("check", "args", "said"),
    [
        (
            buffers.check_allgather,
            (np.zeros(2), np.zeros((2, 2)), 3),
            r"allgather: out is \(2, 2\) .* 3 ranks send \(2,\)",
        ),
        (buffers.check_allgather, (np.zeros(2), np.zeros((3, 2), int), 3), "allgather: out is"),
        (buffers.check_alltoall, (np.zeros((2, 5)), np.zeros((2, 5)), 3), "alltoall: send is"),
        (buffers.check_alltoall, (np.zeros((3, 5)), np.zeros((3, 4)), 3), "alltoall: send is"),
        (buffers.check_shift, (np.zeros(3), np.zeros(2)), r"shift: send is \(3,\)"),
        (buffers.check_root, (-1, 3), "root -1 is not a rank, ranks are 0 to 2"),
        (buffers.check_root, (3, 3), "root 3 is not a rank"),
    ],
)
def test_what_does_not_fit_is_said_with_both_sides(check: Any, args: Any, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        check(*args)


OBJECTS = [None, "", "é" * 300, [1, 2.5, {"a": [True]}], 2**70]


def test_objects_of_different_lengths_arrive_whole() -> None:
    found = World("threads:3").run(lambda comm: buffers.exchange_json(comm, OBJECTS[: comm.rank * 2 + 1]))
    assert found == [[OBJECTS[:1], OBJECTS[:3], OBJECTS[:5]]] * 3


def test_what_json_cannot_say_is_no_object() -> None:
    with pytest.raises(TypeError):
        World("local").run(lambda comm: buffers.exchange_json(comm, {1, 2}))


class OtherCall(LocalCommunicator):
    """A rank beside which the others have called something else: what arrives is theirs."""

    def __init__(self, length: int, rest: bytes) -> None:
        self.replies = [np.array([length]).view(np.uint8), np.frombuffer(rest, np.uint8)]

    def allgather(self, send: Any, out: Any) -> None:
        out.reshape(-1).view(np.uint8)[...] = np.resize(self.replies.pop(0), out.nbytes)


@pytest.mark.parametrize(
    ("length", "rest", "said"),
    [
        (int(np.float64(0.1).view(np.int64)), b"", "rank 0 sends 4591870180066957722 bytes"),
        (-3, b"", "rank 0 sends -3 bytes"),
        (0, b"", "rank 0 sends 0 bytes"),
        (4, b"\xff\x00\x00\x00", "what a rank sent is no JSON text"),
    ],
)
def test_what_another_call_sent_is_said_to_be_so(length: int, rest: bytes, said: str) -> None:
    with pytest.raises(ReplicaError, match=f"^exchange_objects: {said}: the ranks called different collectives"):
        buffers.exchange_json(OtherCall(length, rest), "x")
