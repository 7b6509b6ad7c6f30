"""The noise scale of gradients whose mean and variance are known."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.diagnose.curvature.noise_scale import noise_scale


def test_mean_and_variance_of_known_gradients_are_found() -> None:
    r = np.random.default_rng(0)
    mean, deviations = np.array([0.3, -0.1, 0.2]), np.array([1.0, 0.5, 2.0])
    samples = mean + deviations * r.standard_normal((200_000, 3))
    sizes = [50] * 3000 + [100] * 500  # ragged batches
    ends = np.cumsum(sizes)
    batches = [(n, samples[end - n : end].mean(0)) for n, end in zip(sizes, ends, strict=True)]
    found = noise_scale(batches)
    assert found is not None
    assert found.noise == pytest.approx((deviations**2).sum(), rel=0.03)
    assert found.gradient == pytest.approx((mean**2).sum(), rel=0.03)
    assert found.scale == pytest.approx((deviations**2).sum() / (mean**2).sum(), rel=0.05)
    assert (found.batches, found.samples) == (3500, 200_000)


def test_batches_that_agree_have_no_noise() -> None:
    found = noise_scale([(4, np.array([1.0, 2.0])), (8, np.array([1.0, 2.0]))])
    assert found is not None
    assert (found.noise, found.scale) == (0.0, 0.0)
    assert found.gradient == pytest.approx(5.0)


def test_noise_alone_has_no_scale_and_one_batch_no_noise() -> None:
    found = noise_scale([(1, np.array([1.0])), (1, np.array([-1.0]))])
    assert found is not None
    assert found.scale == np.inf
    assert noise_scale([(5, np.ones(2))]) is None
