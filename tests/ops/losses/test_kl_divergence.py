"""Divergences against the entropies they are made of."""

from __future__ import annotations

import numpy as onp

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad

R = onp.random.default_rng(0)
SCORES, SOFT = R.standard_normal((5, 4)), ops.softmax(R.standard_normal((5, 4)))


def test_cross_entropy_less_the_entropy_of_the_targets():
    entropy = -(SOFT * onp.log(SOFT)).sum(1)
    onp.testing.assert_allclose(ops.kl_divergence(SCORES, SOFT), ops.cross_entropy(SCORES, SOFT) - entropy, rtol=1e-12)
    onp.testing.assert_allclose(ops.kl_divergence(onp.log(SOFT), SOFT), onp.zeros(5), atol=1e-15)


def test_absent_classes_count_nothing():
    targets = onp.array([[1.0, 0.0], [0.0, 1.0]])
    scores = onp.array([[0.0, 0.0], [-onp.inf, 0.0]])
    onp.testing.assert_allclose(ops.kl_divergence(scores, targets), [onp.log(2), 0.0], rtol=1e-14)
    assert onp.isfinite(grad(lambda s: np.sum(ops.kl_divergence(s, targets)))(scores)).all()


def test_both_sides_differentiate():
    check_grads(lambda s, t: ops.kl_divergence(s, ops.softmax(t)), order=2)(SCORES, SCORES[::-1].copy())
