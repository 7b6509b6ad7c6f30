"""Totals are sums, so that means over ragged and empty shards are those of all samples, in float64 whatever came in."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ddtrain.trainer.step.totals import Totals

NAMES = ("accuracy", "error")
LOSSES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
ERROR = np.array([5.0, 3.0, 1.0, 0.0, 2.0])


def of(first: int, last: int, votes: int = 0) -> Totals:
    """The totals of some of the samples."""
    totals = Totals(votes)
    totals.add(LOSSES[first:last], {"error": ERROR[first:last], "accuracy": LOSSES[first:last] > 3})
    return totals


@pytest.mark.parametrize("cuts", [(0, 5), (0, 1, 5), (0, 2, 2, 5), (0, 0, 5), (0, 1, 2, 3, 4, 5)])
def test_the_sum_of_shards_vectors_is_the_whole_batch(cuts: tuple[int, ...]) -> None:
    vector = np.sum([of(a, b, votes=1).pack(NAMES) for a, b in itertools.pairwise(cuts)], axis=0)
    total = Totals.unpack(vector, NAMES)
    assert total.means() == {"loss": LOSSES.mean(), "accuracy": 0.6, "error": ERROR.mean()}
    assert (total.count, total.stop_votes) == (5, len(cuts) - 1)


def test_batches_of_one_shard_add_up() -> None:
    totals = of(0, 2)
    totals.add(LOSSES[2:], {"error": ERROR[2:], "accuracy": LOSSES[2:] > 3})
    assert totals.means() == of(0, 5).means()


def test_a_shard_that_saw_no_batch_has_zeros_for_every_name() -> None:
    np.testing.assert_array_equal(Totals(stop_votes=1).pack(NAMES), [0, 0, 1, 0, 0])


def test_the_order_of_the_names_is_the_callers() -> None:
    np.testing.assert_array_equal(of(0, 1).pack(("error", "accuracy")), [1, 1, 0, 5, 0])


def test_sums_are_of_float64() -> None:
    """In float16 the sum of losses would be infinite, and that of hits in uint8 would be 0."""
    totals = Totals()
    totals.add(np.full(4096, 32.0, np.float16), {"hits": np.ones(4096, np.uint8)})
    assert totals.loss_sum == 131072.0
    assert totals.means() == {"loss": 32.0, "hits": 1.0}


def test_without_samples_means_are_nan_and_no_error() -> None:
    totals = Totals()
    totals.add(np.empty(0), {"error": np.empty(0)})
    assert all(math.isnan(mean) for mean in totals.means().values())
    assert totals.finite


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_loss_that_is_not_finite_makes_the_batch_so(bad: float) -> None:
    totals = of(0, 5)
    totals.add(np.array([bad]), {})
    assert not totals.finite


def test_losses_whose_sum_overflows_are_not_finite() -> None:
    totals = Totals()
    with np.errstate(over="ignore"):
        totals.add(np.full(4, 1e308), {})
    assert not totals.finite


def test_running_statistics_that_overflow_are_not_finite_though_the_loss_is() -> None:
    totals = of(0, 5)
    totals.buffers_overflow = True
    assert math.isfinite(totals.loss_sum)
    assert not totals.finite
