"""Every backend keeps the protocol, at every world size, to the bit.

The bodies below are given a communicator and know nothing of the backend; buffers that are to be overwritten hold
sentinels, and the values summed are such that another order of additions gives other bits.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ddtrain.comm import Communicator, make, run_ranks
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.errors import ShapeError
from ddtrain.partition import part_bounds
from worlds import World

DTYPES = (np.float32, np.float64, np.int64, np.float16, np.uint8)
COUNTS = (0, 1, 7, 1000, 2049, 50_003)  # through both algorithms of mpi, and slices that differ in length
CASES = [(dtype, count) for dtype in DTYPES for count in COUNTS] + [(np.float32, 1_000_003)]


def rows(size: int, count: int, dtype: Any) -> list[np.ndarray]:
    """What each rank sends: magnitudes from 1e-3 to 1e3, both signs, the same on whichever rank they are drawn."""
    draw = np.random.default_rng(count)
    if np.dtype(dtype).kind in "ui":
        return list(draw.integers(0, 200, (size, count)).astype(dtype))
    return list((draw.standard_normal((size, count)) * 10.0 ** draw.integers(-3, 3, (size, count))).astype(dtype))


def in_order(vectors: list[np.ndarray]) -> np.ndarray:
    """(r0 + r1) + (r2 + r3), spelled out: halves at the largest power of two."""
    if len(vectors) == 1:
        return vectors[0]
    half = 1
    while 2 * half < len(vectors):
        half *= 2
    return in_order(vectors[:half]) + in_order(vectors[half:])


def assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert actual.tobytes() == expected.tobytes()


def sums_in_tree_order(comm: Communicator) -> None:
    for dtype, count in CASES:
        sent = rows(comm.size, count, dtype)
        buf = sent[comm.rank].copy()
        comm.allreduce(buf)
        assert_same_bits(buf, in_order(sent))


def the_order_matters(comm: Communicator) -> None:
    values = [1e16, 1.0, -1e16, 1.0]
    for count in (1, 5000):  # (1e16 + 1) + (-1e16 + 1) = 0, but ((1e16 + 1) - 1e16) + 1 = 1
        buf = np.full(count, values[comm.rank])
        comm.allreduce(buf)
        assert set(buf) == {[1e16, 1e16, 0.0, 0.0][comm.size - 1]}


def sums_of_shards(comm: Communicator) -> None:
    """Each rank adds up subtrees of its own: the sum has the bits of one rank that has all leaves."""
    for leaves in (comm.size, comm.size + 1, comm.size + 4):
        tree = ReductionTree.of_shards(leaves, comm.size)
        for count in COUNTS:
            shards = rows(tree.leaves, count, np.float32)
            mine = [in_order(shards[first:last]).copy() for first, last in tree.blocks[comm.rank]]
            out = mine[0] if count % 2 else np.full(count, -77, np.float32)
            comm.isum(mine, tree, out).wait()
            assert_same_bits(out, in_order(shards))


def nodes_share_memory(comm: Communicator) -> None:
    """What one rank of a node writes the others read, once its counter says so; columns reach everybody else."""
    for bytes_per_rank in (1 << 16, -1):
        node = comm.split_nodes(bytes_per_rank)
        assert sum(node.sizes) == comm.size
        assert node.sizes[node.index] == node.size
        parts = node.alloc(3 + node.rank, np.float64)
        assert [part.tolist() for part in parts] == [[0.0] * (3 + r) for r in range(node.size)]
        node.post(0, 1)
        node.wait(0, 1)
        for lap in range(1, 4):
            parts[node.rank][...] = 10 * lap + node.rank
            node.post(2, lap)
            node.wait(2, lap)
            assert node.reached(2, lap)
            assert [set(part) for part in parts] == [{10.0 * lap + r} for r in range(node.size)]
            node.post(3, lap)  # read, and may be written again
            node.wait(3, lap, node.size - 1)
            node.wait(3, lap)
        assert node.alloc(0, np.float32)[0].size == 0
        if node.column is not None:
            assert node.column.size == len(node.sizes)
            assert node.column.exchange_objects(node.index) == list(range(len(node.sizes)))
        assert node.waited_s >= 0.0
        node.close()


def many_sums_under_way(comm: Communicator) -> None:
    counts = [3, 5000, 0, 70_000, 1, 9000, 5000, 3]
    bufs = [rows(comm.size, count, np.float32)[comm.rank].copy() for count in counts]
    works = [comm.iallreduce(buf) for buf in bufs]
    comm.progress()
    works[3].test()
    for work in (works[5], *works[::-1]):  # in any order, and twice
        work.wait()
        assert work.test()
    for count, buf in zip(counts, bufs, strict=True):
        assert_same_bits(buf, in_order(rows(comm.size, count, np.float32)))


def ranks_progress_at_their_own_pace(comm: Communicator) -> None:
    """Odd ranks go on with the first sum before they begin the second, even ranks begin both at once."""
    bufs = [rows(comm.size, count, np.float32)[comm.rank].copy() for count in (20_000, 30_000)]
    works = [comm.iallreduce(bufs[0])]
    for _ in range(50 * (comm.rank % 2)):
        comm.progress()
        time.sleep(1e-3)
    works.append(comm.iallreduce(bufs[1]))
    for work in works:
        work.wait()
    for buf in bufs:
        assert_same_bits(buf, in_order(rows(comm.size, buf.size, np.float32)))


def sums_beside_other_collectives(comm: Communicator) -> None:
    other = comm.duplicate()
    bufs = [np.full(20_000, comm.rank + k) for k in range(3)]
    works = [comm.iallreduce(buf) for buf in bufs]
    sums = np.full(10_000, 1 << comm.rank)
    other.allreduce(sums)
    name = np.array([comm.rank])
    comm.broadcast(name, comm.size - 1)
    for work in works:
        work.wait()
    assert set(sums) == {2**comm.size - 1}
    assert name[0] == comm.size - 1
    assert [set(buf) for buf in bufs] == [{comm.size * (comm.size - 1) // 2 + k * comm.size} for k in range(3)]
    other.close()


def duplicates_are_isolated(comm: Communicator) -> None:
    first, second = comm.duplicate(), comm.duplicate()
    a, b = np.array([1]), np.array([10])
    # each rank begins in its own order: right only if the channels do not mix
    begin = [(first, a), (second, b)] if comm.rank % 2 else [(second, b), (first, a)]
    for work in [channel.iallreduce(buf) for channel, buf in begin]:
        work.wait()
    assert (a[0], b[0]) == (comm.size, 10 * comm.size)
    nested = first.duplicate()
    assert nested.exchange_objects(comm.rank) == list(range(comm.size))
    for channel in (nested, second, first):
        channel.close()


def groups_are_worlds_of_their_own(comm: Communicator) -> None:
    color = comm.rank % 2
    members = [rank for rank in range(comm.size) if rank % 2 == color]
    group = comm.split(color)
    assert (group.rank, group.size) == (members.index(comm.rank), len(members))
    for _ in range(1 + 2 * color):  # one group makes more calls than the other, and waits for none of its ranks
        buf = np.array([float(comm.rank)])
        group.allreduce(buf)
        assert buf[0] == sum(members)
    assert group.exchange_objects(comm.rank) == members
    alone = group.split(comm.rank)
    assert (alone.rank, alone.size, alone.exchange_objects("mine")) == (0, 1, ["mine"])
    again = comm.split(0)  # the same color in another split is another communicator
    assert again.exchange_objects(comm.rank) == comm.exchange_objects(comm.rank) == list(range(comm.size))
    for each in (again, alone):
        each.close()
    group.close()  # with what was made of it, of which one is closed already


def reduce_scatter_gives_the_slice(comm: Communicator) -> None:
    for dtype, count in CASES:
        sent = rows(comm.size, count, dtype)
        first, last = part_bounds(count, comm.rank, comm.size)
        buf, out = sent[comm.rank].copy(), np.full(last - first, 77, dtype)
        comm.reduce_scatter(buf, out)
        assert_same_bits(out, in_order(sent)[first:last])
        assert_same_bits(buf, sent[comm.rank])


def allgather_gives_rows(comm: Communicator) -> None:
    for shape in ((), (0,), (3,), (2, 0, 3), (2, 3), (40_000,)):
        out = np.full((comm.size, *shape), -77.0)
        comm.allgather(np.full(shape, comm.rank, np.float64), out)
        for rank, row in enumerate(out):
            assert_same_bits(np.asarray(row), np.full(shape, float(rank)))


def gathers_and_swaps_under_way(comm: Communicator) -> None:
    """Begun together with sums, awaited in another order; 5000 and 70 000 bytes a row."""
    for shape in ((), (0,), (3,), (5000,), (70_000,)):
        mine = np.full(shape, comm.rank, np.uint8)
        rows = np.stack([np.full(shape, 10 * comm.rank + r, np.uint8) for r in range(comm.size)])
        gathered, swapped = np.full_like(rows, 77), np.full_like(rows, 77)
        summed = np.full(3000, comm.rank)
        works = [comm.ialltoall(rows, swapped), comm.iallreduce(summed), comm.iallgather(mine, gathered)]
        while not works[2].test():
            comm.progress()
        for work in works:
            work.wait()
            assert work.test()
        for rank in range(comm.size):
            assert (gathered[rank] == rank).all()
            assert (swapped[rank] == 10 * rank + comm.rank).all()
        assert set(summed) == {comm.size * (comm.size - 1) // 2}


def shifts_go_round(comm: Communicator) -> None:
    """Several under way, beside a sum."""
    sent = [np.full(shape, 10.0 * k + comm.rank) for k, shape in enumerate(((), (0,), (3,), (20_000,)))]
    outs, summed = [np.full_like(x, -77) for x in sent], np.full(3000, comm.rank)
    works = [comm.ishift(x, out) for x, out in zip(sent, outs, strict=True)]
    works.append(comm.iallreduce(summed))
    for work in works[::-1]:
        work.wait()
        assert work.test()
    for k, out in enumerate(outs):
        assert (out == 10.0 * k + (comm.rank - 1) % comm.size).all()
    assert set(summed) == {comm.size * (comm.size - 1) // 2}


def broadcast_from_any_root(comm: Communicator) -> None:
    for root in range(comm.size):
        for shape in ((), (0,), (5,), (2, 3), (300_000,)):
            buf = np.full(shape, 10 * root + 1 if comm.rank == root else -77)
            comm.broadcast(buf, root)
            assert_same_bits(buf, np.full(shape, 10 * root + 1))


def zero_dimensional_and_shaped_buffers(comm: Communicator) -> None:
    scalar, matrix = np.array(1.5), np.ones((3, 4), np.float32)
    comm.allreduce(scalar)
    comm.iallreduce(matrix).wait()
    assert_same_bits(scalar, np.array(1.5 * comm.size))
    assert_same_bits(matrix, np.full((3, 4), comm.size, np.float32))


def objects_travel_as_json(comm: Communicator) -> None:
    mine = {"rank": comm.rank, "text": "é" * (100 * comm.rank), "pair": (1, None), "x": 0.1}
    everybody = comm.exchange_objects(mine)
    assert everybody == [{**mine, "rank": r, "text": "é" * (100 * r), "pair": [1, None]} for r in range(comm.size)]
    with pytest.raises(TypeError):
        comm.exchange_objects(object())


def non_finite_values_pass(comm: Communicator) -> None:
    for count in (2, 5000):
        buf = np.resize([np.inf, np.finfo(np.float64).max], count)
        comm.allreduce(buf)  # a warning would be an error here
        assert buf[0] == np.inf
        assert buf[1] == (np.inf if comm.size > 1 else np.finfo(np.float64).max)


def odds_and_ends(comm: Communicator) -> None:
    assert 0 <= comm.rank < comm.size
    comm.barrier()
    comm.progress()
    assert comm.waited_s >= 0.0


def wrong_buffers_are_refused(comm: Communicator) -> None:
    """All ranks make the mistake, and none is left waiting."""
    matrix = np.zeros((4, 6))
    for call in (
        lambda: comm.allreduce(matrix[:, ::2]),
        lambda: comm.iallreduce(matrix.T),
        lambda: comm.broadcast(matrix[::2]),
        lambda: comm.allgather(np.zeros(3), np.zeros((comm.size, 4))),
        lambda: comm.allgather(np.zeros(3), np.zeros((comm.size, 3), np.float32)),
        lambda: comm.iallgather(np.zeros(3), np.zeros((comm.size, 4))),
        lambda: comm.ialltoall(np.zeros((comm.size + 1, 3)), np.zeros((comm.size + 1, 3))),
        lambda: comm.ialltoall(np.zeros((comm.size, 3)), np.zeros((comm.size, 3), np.float32)),
        lambda: comm.ishift(np.zeros(3), np.zeros(3, np.float32)),
        lambda: comm.reduce_scatter(np.zeros(3), np.zeros(4)),
        lambda: comm.broadcast(np.zeros(3), comm.size),
        lambda: comm.broadcast(np.zeros(3), -1),
    ):
        with pytest.raises(ShapeError):
            call()


BODIES = [
    sums_in_tree_order,
    sums_of_shards,
    nodes_share_memory,
    the_order_matters,
    many_sums_under_way,
    ranks_progress_at_their_own_pace,
    sums_beside_other_collectives,
    duplicates_are_isolated,
    groups_are_worlds_of_their_own,
    reduce_scatter_gives_the_slice,
    allgather_gives_rows,
    gathers_and_swaps_under_way,
    shifts_go_round,
    broadcast_from_any_root,
    zero_dimensional_and_shaped_buffers,
    objects_travel_as_json,
    non_finite_values_pass,
    odds_and_ends,
    wrong_buffers_are_refused,
]
body = pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
WIRE = "latency-us=20,gbit-s=10"  # a few bodies' worth of waiting is a second
SPECS = ["local", *(f"threads:{n}" for n in (1, 2, 3, 4)), "debug", "debug:threads:3"]
SPECS += [
    f"wire:local,{WIRE}",
    f"wire:threads:3,{WIRE}",
    f"debug:wire:threads:2,{WIRE}",
    f"wire:debug:threads:2,{WIRE}",
]
Body = Callable[[Communicator], None]


@body
@pytest.mark.parametrize("spec", SPECS)
def test_in_one_process(spec: str, body: Body) -> None:
    if "debug" in spec and body is duplicates_are_isolated:
        pytest.skip("ranks begin in different orders, which debug, whose headers wait, does not allow")
    World(spec).run(body)


@pytest.mark.parametrize("spec", ["nodes:0101", "nodes:00112", "nodes:000-1"])
def test_the_tests_own_machines(spec: str) -> None:
    """Ranks are those of threads; what is theirs alone is memory."""
    World(spec).run(nodes_share_memory)


@body
@pytest.mark.mpi
def test_mpi(comm: Communicator, body: Body) -> None:
    body(comm)


@pytest.mark.mpi(min_size=3)
@pytest.mark.parametrize("spec", ["debug:mpi", f"wire:debug:mpi,{WIRE}"])
def test_wrapped_mpi(comm: Communicator, spec: str) -> None:
    wrapped = make(spec)[0]
    for check in BODIES:
        if check is not duplicates_are_isolated:
            check(wrapped)


if __name__ == "__main__":  # python test_conformance.py SPEC: on ranks that another launcher starts
    sys.exit(run_ranks(sys.argv[1], lambda comm: [check(comm) for check in BODIES]))
