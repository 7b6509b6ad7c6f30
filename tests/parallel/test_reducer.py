"""The reducer: launch order, overlap, exactness, and what it says when a gradient never comes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.errors import ReplicaError
from ddtrain.parallel import Reducer, exact_sum, make_buckets
from ddtrain.store import ParamStore


class Recorder:
    """A communicator of one rank that writes down what was started, awaited and moved along."""

    size = 1

    def __init__(self) -> None:
        self.log: list[Any] = []

    def iallreduce(self, buf: Any) -> Recorder:
        self.log.append(buf.tolist())
        return self

    def wait(self) -> None:
        self.log.append("wait")

    def progress(self) -> None:
        self.log.append("progress")


def reducer_of(sizes: list[int], comm: Any, bucket_bytes: int = 1) -> tuple[Reducer, ParamStore]:
    store = ParamStore({str(i): np.zeros(n) for i, n in enumerate(sizes)}, {}, np.float64)
    return Reducer(store.grads, make_buckets(store.spans, 8, bucket_bytes), comm), store


def test_buckets_start_in_index_order_whatever_the_order_of_readiness() -> None:
    comm = Recorder()
    reducer, store = reducer_of([1, 1, 1], comm)
    store.grads[...] = [0, 1, 2]  # bucket k holds k
    reducer.start(np.array([9.0]))
    for i in (0, 2, 1):
        reducer.ready(i)
    assert comm.log == [[9.0], "progress", [0.0], "progress", [1.0], [2.0], "progress"]


def test_a_bucket_starts_before_backward_ends() -> None:
    comm = Recorder()
    reducer, _ = reducer_of([1, 1], comm)
    reducer.start(np.zeros(1))
    reducer.ready(1)
    assert [0.0] in comm.log
    assert "wait" not in comm.log


def test_a_missing_gradient_is_an_error_not_a_wrong_sum() -> None:
    reducer, _ = reducer_of([1, 1], Recorder())
    reducer.start(np.zeros(1))
    reducer.ready(1)
    with pytest.raises(ReplicaError, match="1 of 2 buckets incomplete"):
        reducer.finish()


@pytest.mark.parametrize("bucket_bytes", [1, 64, 1 << 20])
def test_sums_over_ranks_to_the_bit(world: Any, bucket_bytes: int) -> None:
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((world.size, 50)) * 10.0 ** rng.integers(-8, 8, (world.size, 50))

    def body(comm: Any) -> list[float]:
        reducer, store = reducer_of([20, 10, 20], comm, bucket_bytes)
        for _ in range(2):  # a second step starts clean
            totals = np.array([float(comm.rank)])
            reducer.start(totals)
            for i in (2, 1, 0):
                store.grad_views[i][...] = gradients[comm.rank][store.spans[i]]
                reducer.ready(i)
            reducer.finish()
            assert totals[0] == sum(range(comm.size))
        return store.grads.tolist()

    expected = gradients[0].copy()
    for other in gradients[1:]:
        expected += other
    for got in world.run(body):
        assert got == expected.tolist()


def test_the_default_hook_is_the_plain_sum(world: Any) -> None:
    def body(comm: Any) -> float:
        x = np.ones(3)
        exact_sum(x, comm).wait()
        return float(x[0])

    assert world.run(body) == [float(world.size)] * world.size
