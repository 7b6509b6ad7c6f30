"""The squared norm: the same bits on every rank, at any number of ranks and any bucket size, and of every cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.parallel import make_buckets
from ddtrain.parallel.bucket_shares import make_shares
from ddtrain.parallel.buckets import MAX_CELL
from ddtrain.parallel.gradient_norm import GradientNorm
from ddtrain.parallel.node_counters import REDUCERS
from worlds import World

SPANS = [slice(0, 3), slice(3, 3 + 2 * MAX_CELL), slice(3 + 2 * MAX_CELL, 40 + 2 * MAX_CELL)]
COUNT = 40 + 2 * MAX_CELL
R = np.random.default_rng(0)
GRADIENT = R.standard_normal(COUNT) * 10.0 ** R.integers(-4, 4, COUNT)


def squares(comm: Any, gradient: Any = GRADIENT, bucket_bytes: int = 1, scatter: bool = False) -> list[float]:
    """Of a gradient whose sum is in this rank's share alone, twice; then of twice the gradient."""
    node = comm.split_nodes(1 << 20)
    buckets = make_buckets(SPANS, gradient.itemsize, bucket_bytes)
    shares = make_shares(buckets, node, min(node.sizes), scatter)
    norm = GradientNorm(buckets, shares, node, REDUCERS[0].norm)
    mine = np.full(COUNT, np.nan, gradient.dtype)
    for span in shares.spans:
        mine[span] = gradient[span]
    found = [norm.square(mine), norm.square(mine)]
    comm.barrier()  # as a step's control: nobody writes squares that others still add up
    return [*found, norm.square(2 * mine)]


SPECS = ["local", "threads:2", "threads:3", "nodes:000", "nodes:0011", "nodes:00112"]


def test_it_is_the_square_of_the_norm() -> None:
    (alone,) = World("local").run(squares)
    assert alone[0] == pytest.approx(float(GRADIENT @ GRADIENT), rel=1e-13)
    assert alone[2] == 4 * alone[0], "a power of two changes no rounding"


@pytest.mark.parametrize("bucket_bytes", [1, 1 << 18, 1 << 30])
@pytest.mark.parametrize("spec", SPECS)
def test_neither_ranks_nor_buckets_change_a_bit(spec: str, bucket_bytes: int) -> None:
    (alone,) = World("local").run(squares)
    for found in World(spec).run(lambda comm: squares(comm, bucket_bytes=bucket_bytes)):
        assert found == alone


@pytest.mark.parametrize("spec", ["threads:2", "threads:3", "nodes:0011", "nodes:00112"])
def test_nor_does_it_matter_that_nodes_keep_a_part_each(spec: str) -> None:
    (alone,) = World("local").run(squares)
    for found in World(spec).run(lambda comm: squares(comm, bucket_bytes=1 << 30, scatter=True)):
        assert found == alone


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, MAX_CELL + 1, COUNT - 1])
def test_one_element_that_is_not_finite_is_seen_by_all(bad: float, place: int) -> None:
    gradient = GRADIENT.astype(np.float32)
    gradient[place] = bad
    for found in World("nodes:0011").run(lambda comm: squares(comm, gradient)):
        assert not np.isfinite(found).any()


def test_squares_of_float32_neither_overflow_nor_vanish() -> None:
    for size in (1e-25, 1e25):
        found = World("threads:2").run(lambda comm, size=size: squares(comm, np.full(COUNT, size, np.float32)))
        assert found[0][0] == pytest.approx(COUNT * size**2, rel=1e-5)
