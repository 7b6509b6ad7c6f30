"""Batch-norm as a layer: what it learns of a batch in training, and what it uses outside."""

from __future__ import annotations

import numpy as np

from ddtrain import nn


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
