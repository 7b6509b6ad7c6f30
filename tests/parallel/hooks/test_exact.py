"""The exact sum, and the hook that sends nothing: what they leave in a bucket, and what they count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.parallel.hooks import GradBucket
from ddtrain.parallel.hooks.exact import ExactSum, NoopHook
from worlds import World


def gradient(rank: int) -> Any:
    rng = np.random.default_rng(rank)
    return rng.standard_normal(7) * 10.0 ** rng.integers(-8, 8, 7)


def reduced(hook: Any, comm: Any) -> tuple[Any, int, int]:
    bucket = GradBucket(gradient(comm.rank), start=0)
    hook(bucket, comm).wait()
    return bucket.gradients, hook.bytes_sent, hook.bytes_exact


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_sum_has_the_bits_of_the_tree(size: int) -> None:
    expected = np.empty(7)
    ReductionTree.of_ranks(size).fold([gradient(rank) for rank in range(size)], expected)
    for found, sent, exact in World(f"threads:{size}").run(lambda comm: reduced(ExactSum(), comm)):
        np.testing.assert_array_equal(found, expected)
        assert sent == exact == 2 * 56 * (size - 1) // size


def test_the_hook_that_sends_nothing_leaves_each_rank_its_own() -> None:
    for rank, (found, sent, exact) in enumerate(World("threads:3").run(lambda comm: reduced(NoopHook(), comm))):
        np.testing.assert_array_equal(found, gradient(rank))
        assert (sent, exact) == (0, 2 * 56 * 2 // 3)


def test_nothing_is_remembered() -> None:
    hook = ExactSum()
    hook.snapshot()
    hook.roll_back()
    hook.load_state_dict({})
    assert (hook.state_dict(), hook.unsent(), hook.residuals) == ({}, None, ())
