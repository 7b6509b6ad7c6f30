"""Mean and spread in one pass: against two passes of NumPy, and the same bits on any number of ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.data import ArrayData, Standardize, Whiten
from ddtrain.data.inputs import Moments, merge, moments
from ddtrain.errors import DataError

R = np.random.default_rng(0)
X = R.standard_normal((53, 4, 3)) * np.array([1e-3, 1.0, 1e3]) + np.array([1e3, -5.0, 0.0])


def bits(found: Moments) -> tuple[Any, ...]:
    return found.count, found.mean.tobytes(), found.spread.tobytes()


@pytest.mark.parametrize("block", [1, 7, 53, 1024])
@pytest.mark.parametrize("channels", [False, True])
def test_two_passes_of_numpy(block, channels):
    rows = X.reshape(-1, 3) if channels else X.reshape(53, 12)
    found = moments(ArrayData(X), channels=channels, block=block)
    assert found.count == len(rows)
    np.testing.assert_allclose(found.mean, rows.mean(0), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(found.spread, rows.var(0) * len(rows), rtol=1e-9)
    scatter = moments(ArrayData(X), channels=channels, scatter=True, block=block)
    np.testing.assert_array_equal(scatter.mean, found.mean)
    scale = rows.std(0)
    covariance = scatter.spread / (len(rows) - 1) / np.outer(scale, scale)
    np.testing.assert_allclose(covariance, np.cov(rows.T) / np.outer(scale, scale), atol=1e-10)


def test_a_large_mean_in_single_precision_loses_nothing():
    x = (1000 + R.standard_normal((5000, 1))).astype(np.float32)
    found = moments(ArrayData(x), block=64)
    assert found.spread[0] / found.count == pytest.approx(x.astype(np.float64).var(), rel=1e-11)


def test_whole_numbers_and_one_number_a_sample():
    x = R.integers(0, 256, 300).astype(np.uint8)
    found = moments(ArrayData(x), block=64)
    assert found.mean.shape == (1,)
    assert found.mean[0] == pytest.approx(x.mean(), rel=1e-14)
    assert found.spread[0] == pytest.approx(x.astype(float).var() * 300, rel=1e-13)


def test_merging_with_nothing_changes_no_bit():
    some, none = moments(ArrayData(X)), Moments(0, np.zeros(12), np.zeros(12))
    assert bits(merge(some, none)) == bits(merge(none, some)) == bits(some)


def test_ranks_in_this_process_change_no_bit(world):
    for scatter in (False, True):
        one = bits(moments(ArrayData(X), scatter=scatter, block=7))
        found = world.run(lambda comm, s=scatter: bits(moments(ArrayData(X), scatter=s, block=7, comm=comm)))
        assert set(found) == {one}


@pytest.mark.mpi
def test_ranks_under_mpi_change_no_bit(comm):
    for block in (7, 30, 1024):  # 8 blocks, 2, and 1: fewer than there are ranks
        for channels in (False, True):
            for scatter in (False, True):
                options = {"block": block, "channels": channels, "scatter": scatter}
                assert bits(moments(ArrayData(X), comm=comm, **options)) == bits(moments(ArrayData(X), **options))
    both = [Whiten.fit(ArrayData(X), components=5, block=7, comm=c).state_dict() for c in (comm, None)]
    both += [Standardize.fit(ArrayData(X), block=7, comm=c).state_dict() for c in (comm, None)]
    for mine, alone in (both[:2], both[2:]):
        assert {k: v.tobytes() for k, v in mine.items()} == {k: v.tobytes() for k, v in alone.items()}


class Counted:
    """A data set that knows which samples were read."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return 53

    def batch(self, indices):
        self.read += indices.tolist()
        return (X[indices],)


def test_every_sample_is_read_once_by_one_rank(world):
    def body(comm):
        data = Counted()
        moments(data, block=7, comm=comm)
        return data.read

    reads = world.run(body)
    assert sorted(sample for read in reads for sample in read) == list(range(53))
    assert all(reads)


def test_no_samples():
    with pytest.raises(DataError, match="moments: there are no samples"):
        moments(ArrayData(np.zeros((0, 3))))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named_on_all_ranks(world, value):
    x = X.reshape(53, 12).copy()
    x[50, 3] = value

    def body(comm):
        with pytest.raises(DataError) as error:
            moments(ArrayData(x), block=7, comm=comm)
        return error.value.message

    assert set(world.run(body)) == {"moments: feature 3 has a NaN or an infinity"}
