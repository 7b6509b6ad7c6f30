"""Batch-norm as a layer: what it learns of a batch in training, and what it uses outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import UsageError


def test_batch_norm_updates_wait_and_are_pytorchs() -> None:
    norm = nn.BatchNorm(2)
    values = norm.init(0, np.float64)
    x = np.array([[1.0, 10.0], [3.0, 14.0]])
    bound = norm.bind(values, training=True)
    bound(x)
    assert values["running_mean"].tolist() == [0, 0], "bind may not change the values it was given"
    updates = bound.run.updates
    assert np.allclose(updates["running_mean"], [0.2, 1.2])
    assert np.allclose(updates["running_var"], [0.9 + 0.1 * 2, 0.9 + 0.1 * 8])  # unbiased
    assert updates["num_batches_tracked"] == 1


R = np.random.default_rng(0)


def test_batch_norm_blends_each_call_and_counts_it() -> None:
    norm, parts = nn.BatchNorm(2), [R.standard_normal((50, 2)) + shift for shift in (5, -5, 1)]
    bound = norm.bind(norm.init(0, np.float64), training=True)
    mean, variance = np.zeros(2), np.ones(2)
    for x in parts:
        bound(x)
        mean, variance = 0.9 * mean + 0.1 * x.mean(0), 0.9 * variance + 0.1 * x.var(0, ddof=1)
    np.testing.assert_allclose(bound.run.updates["running_mean"], mean, rtol=1e-13)
    np.testing.assert_allclose(bound.run.updates["running_var"], variance, rtol=1e-13)
    assert bound.run.updates["num_batches_tracked"] == 3


X = np.random.default_rng(1).standard_normal((6, 5, 3)) * [1.0, 10.0, 0.1] + [0.0, 100.0, -3.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_training_every_channel_has_mean_0_and_variance_1(dtype: Any) -> None:
    norm = nn.BatchNorm(3, eps=1e-12)
    y = norm.bind(norm.init(0, dtype), training=True)(X.astype(dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(y.var((0, 1)), 1, rtol=1e-4)


def test_outside_it_uses_what_it_has_learnt_and_learns_nothing() -> None:
    norm = nn.BatchNorm(3, eps=0.5)
    values = {**norm.init(0, np.float64), "running_mean": np.array([1.0, 2, 3]), "running_var": np.array([4.0, 9, 16])}
    values |= {"weight": np.array([1.0, -2, 0.5]), "bias": np.array([0.0, 1, -1])}
    bound = norm.bind(values)
    expected = (X - [1, 2, 3]) / np.sqrt(np.array([4.0, 9, 16]) + 0.5) * [1, -2, 0.5] + [0, 1, -1]
    np.testing.assert_allclose(bound(X), expected, rtol=1e-12)
    assert bound.run.updates == {}


@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_momentum_is_the_share_of_the_new(momentum: float) -> None:
    norm = nn.BatchNorm(3, momentum=momentum)
    bound = norm.bind(norm.init(0, np.float64), training=True)
    bound(X)
    mean, variance = X.mean((0, 1)), X.reshape(-1, 3).var(0, ddof=1)
    np.testing.assert_allclose(bound.run.updates["running_mean"], momentum * mean, rtol=1e-12)
    np.testing.assert_allclose(bound.run.updates["running_var"], 1 - momentum + momentum * variance, rtol=1e-12)


def test_a_single_value_a_channel_has_no_variance() -> None:
    norm = nn.BatchNorm(3)
    with pytest.raises(UsageError, match=r"batch_norm: one value per channel over all ranks, which has no variance"):
        norm.bind(norm.init(0), training=True)(np.ones((1, 3), np.float32))
    alone = nn.BatchNorm(3, sync=False)
    bound = alone.bind(alone.init(0, np.float64), training=True)
    bound(np.full((1, 3), 5.0))
    np.testing.assert_allclose(bound.run.updates["running_mean"], 0.5, rtol=1e-12)
    np.testing.assert_array_equal(bound.run.updates["running_var"], 1.0)


def test_no_samples_teach_nothing() -> None:
    norm = nn.BatchNorm(3)
    bound = norm.bind(norm.init(0), training=True)
    assert bound(np.ones((0, 3), np.float32)).shape == (0, 3)
    assert bound.run.updates == {}


def test_without_synchronising_statistics_are_the_mean_over_shards() -> None:
    rules = lambda norm: {d.reduce for d in norm.declarations().values() if not d.trained}
    assert rules(nn.BatchNorm(3)) == {"same"}
    assert rules(nn.BatchNorm(3, sync=False)) == {"mean"}


def test_counters_are_pytorchs_whole_numbers() -> None:
    norm = nn.BatchNorm(3)
    assert nn.to_torch(norm, norm.init(0))["num_batches_tracked"].dtype == np.int64
