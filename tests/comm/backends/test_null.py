"""A world in which nothing is sent: its size is claimed, its sums are its own."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.comm import make, run_ranks
from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.errors import ShapeError


def test_null_claims_a_world_and_sends_nothing() -> None:
    comm = make("null:3")[0]
    buf, out, part = np.array([5.0, 6.0, 7.0]), np.full((3, 3), -7.0), np.full(1, -7.0)
    comm.allreduce(buf)
    comm.allgather(buf, out)
    comm.reduce_scatter(buf, part)
    assert comm.size == 3
    assert comm.duplicate().size == 3
    assert buf.tolist() == [5.0, 6.0, 7.0]
    assert out.tolist() == [[5.0, 6.0, 7.0]] * 3
    assert part.tolist() == [5.0]
    assert run_ranks("null:3", lambda comm: comm.barrier()) == 0


def test_every_rank_that_is_claimed_has_what_this_one_has() -> None:
    comm = NullCommunicator(3)
    out, received = np.full((3, 2), -7.0), np.full((3, 2), -7.0)
    comm.iallgather(np.array([1.0, 2.0]), out).wait()
    comm.ialltoall(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), received).wait()
    assert out.tolist() == received.tolist() == [[1.0, 2.0]] * 3, "all send to rank 0 what this one does"
    assert comm.exchange_objects([1, "a"]) == [[1, "a"]] * 3
    assert comm.exchange_outcomes("done", None) == ["done"] * 3


def test_a_sum_over_shards_is_its_own_first_row() -> None:
    tree, out = ReductionTree.of_shards(8, 3), np.full(2, -7.0)
    NullCommunicator(3).isum([np.array([1.0, 2.0])], tree, out).wait()
    assert out.tolist() == [1.0, 2.0]


def test_buffers_must_fit_the_claimed_size() -> None:
    comm = NullCommunicator(3)
    with pytest.raises(ShapeError, match="3 ranks send"):
        comm.allgather(np.zeros(2), np.zeros((1, 2)))
    with pytest.raises(ShapeError, match="ranks are 0 to 2"):
        comm.broadcast(np.zeros(2), root=3)


def test_each_claimed_rank_is_a_node_of_its_own() -> None:
    node = NullCommunicator(3).split_nodes(1 << 20)
    assert (node.sizes, node.column.size) == ((1, 1, 1), 3)
