"""The reducer: launch order, overlap, exactness, and what it says when a gradient never comes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.errors import ReplicaError
from ddtrain.parallel import Reducer, alloc_rows, make_buckets, make_shard_layout
from ddtrain.param_store import ParamStore
from worlds import World


class Recorder(NullCommunicator):
    """Rank 0 of two that writes down what was started, awaited and moved along."""

    def __init__(self) -> None:
        super().__init__(2)
        self.log: list[Any] = []

    def duplicate(self) -> Recorder:
        return self

    def exchange_objects(self, obj: Any) -> list[Any]:
        return [[0, 0], [1, 0]]

    def iallreduce(self, buf: Any) -> Any:
        self.log.append(buf.tolist())
        return self

    def isum(self, rows: Any, tree: Any, out: Any) -> Any:
        return self.iallreduce(rows[0])

    def wait(self) -> None:
        self.log.append("wait")

    def progress(self) -> None:
        self.log.append("progress")


def reducer_of(sizes: list[int], comm: Any, bucket_bytes: int = 1) -> tuple[Reducer, ParamStore]:
    node = comm.split_nodes(1 << 20)
    layout = make_shard_layout(comm, node)
    parts = alloc_rows(node, layout, sum(sizes), np.dtype(np.float64))
    store = ParamStore({str(i): np.zeros(n) for i, n in enumerate(sizes)}, {}, np.float64, grads=parts[node.rank][0])
    buckets = make_buckets(store.spans, 8, bucket_bytes)
    return Reducer(parts, buckets, node, layout, comm.progress), store


def test_buckets_start_in_index_order_whatever_the_order_of_readiness() -> None:
    comm = Recorder()
    reducer, store = reducer_of([1, 1, 1], comm)
    store.grads[...] = [0, 1, 2]  # bucket k holds k
    reducer.start()
    for i in (0, 2, 1):
        reducer.ready(i)
    assert comm.log == ["progress", [0.0], "progress", [1.0], [2.0], "progress"]


def test_a_bucket_starts_before_backward_ends() -> None:
    comm = Recorder()
    reducer, _ = reducer_of([1, 1], comm)
    reducer.start()
    reducer.ready(1)
    assert [0.0] in comm.log
    assert "wait" not in comm.log


def test_gradients_that_are_ready_together_start_the_same_buckets() -> None:
    one_by_one, together = Recorder(), Recorder()
    for comm, announcements in ((one_by_one, [(2,), (0,), (1,)]), (together, [(2, 0, 1)])):
        reducer, store = reducer_of([1, 1, 1], comm)
        store.grads[...] = [0, 1, 2]  # bucket k holds k
        reducer.start()
        for gradients in announcements:
            reducer.ready(*gradients)
        reducer.finish()
    buckets = [[entry for entry in comm.log if isinstance(entry, list)] for comm in (one_by_one, together)]
    assert buckets[0] == buckets[1] == [[0.0], [1.0], [2.0]]
    assert together.log.count("progress") == 1, "one look at what is under way"


def test_a_missing_gradient_is_an_error_not_a_wrong_sum() -> None:
    reducer, _ = reducer_of([1, 1], Recorder())
    reducer.start()
    reducer.ready(1)
    with pytest.raises(ReplicaError, match="1 of 2 buckets incomplete"):
        reducer.finish()


SIZES = [20, 0, 40_000, 10, 20]  # of parameters: small ones, none, and one that is cut into cells


def sums(comm: Any, bucket_bytes: int) -> tuple[list[slice], np.ndarray, float, np.ndarray]:
    """What this rank holds of the sum, its norm, and what the sum should be."""
    rng = np.random.default_rng(0)
    n = sum(SIZES)
    gradients = rng.standard_normal((comm.size, n)) * 10.0 ** rng.integers(-8, 8, (comm.size, n))
    reducer, store = reducer_of(SIZES, comm, bucket_bytes)
    for _ in range(2):  # a second step starts clean
        reducer.start()
        for i in (4, 2, 3, 1, 0):
            store.grad_views[i][...] = gradients[comm.rank][store.spans[i]]
            reducer.ready(i)
        reducer.finish()
        norm = reducer.square_norm()
        reducer.wait_updated()
    expected = np.empty(n)
    ReductionTree.of_ranks(comm.size).fold(list(gradients), expected)
    return reducer.spans, store.grads, norm, expected


def covers_once(everybodys: list[list[slice]], n: int, times: int) -> bool:
    seen = np.zeros(n, int)
    for spans in everybodys:
        for span in spans:
            seen[span] += 1
    return bool((seen == times).all())


@pytest.mark.parametrize("bucket_bytes", [1, 64, 1 << 20])
def test_sums_over_ranks_to_the_bit(world: Any, bucket_bytes: int) -> None:
    found = world.run(lambda comm: sums(comm, bucket_bytes))
    assert len({norm for _, _, norm, _ in found}) == 1
    for spans, grads, norm, expected in found:
        assert covers_once([spans], len(grads), 1), "without shared memory a rank takes care of everything"
        assert grads.tobytes() == expected.tobytes()
        assert norm == pytest.approx(float(expected @ expected), rel=1e-14)


@pytest.mark.mpi
@pytest.mark.parametrize("bucket_bytes", [1, 64, 1 << 20])
def test_a_node_shares_the_work_and_gets_the_same_bits(comm: Any, bucket_bytes: int) -> None:
    spans, grads, norm, expected = sums(comm, bucket_bytes)
    everybodys = comm.exchange_objects([[span.start, span.stop] for span in spans])
    assert covers_once([[slice(*span) for span in spans] for spans in everybodys], len(grads), 1)
    for span in spans:
        assert grads[span].tobytes() == expected[span].tobytes()
    assert len(set(comm.exchange_objects(norm.hex()))) == 1


def sharded(comm: Any, shards: int) -> tuple[list[slice], np.ndarray, np.ndarray, int, int]:
    """As :func:`sums`, of gradients of shards; and the bytes counted, beside those of a row's slices to one node."""
    rng = np.random.default_rng(shards)
    gradients = rng.standard_normal((shards, 30)) * 10.0 ** rng.integers(-8, 8, (shards, 30))
    node = comm.split_nodes(1 << 20)
    layout = make_shard_layout(comm, node, shards)
    parts = alloc_rows(node, layout, 30, np.dtype(np.float64))
    reducer = Reducer(parts, make_buckets([slice(0, 30)], 8, 1), node, layout, comm.progress)
    for row, (first, last) in zip(parts[node.rank], layout.blocks, strict=True):
        ReductionTree.of_ranks(last - first).fold(list(gradients[first:last]), row)
    reducer.start()
    reducer.ready(0)
    reducer.finish()
    expected = np.empty(30)
    ReductionTree.of_ranks(shards).fold(list(gradients), expected)
    others, (share,) = len(node.sizes) - 1, [span.stop - span.start for span in reducer.spans] or [0]
    row_bytes = 8 * share * others // (others + 1)
    return reducer.spans, reducer.grads, expected, reducer.hook.bytes_sent, (len(layout.reduced_blocks) + 1) * row_bytes


@pytest.mark.parametrize("spec", ["nodes:0011", "nodes:0101", "nodes:000111", "nodes:001122", "nodes:012"])
@pytest.mark.parametrize("shards", [6, 7, 8, 11, 13])
def test_subtrees_of_several_ranks_on_several_nodes_have_the_bits_of_the_tree(spec: str, shards: int) -> None:
    """Where a node's shards are several subtrees, each is a row of its own, and none may be lost to another."""
    for spans, grads, expected, sent, counted in World(spec).run(lambda comm: sharded(comm, shards)):
        assert spans
        for span in spans:
            assert grads[span].tobytes() == expected[span].tobytes()
        assert sent == counted, "its slice of every subtree's row to each other node, and of their sum"
