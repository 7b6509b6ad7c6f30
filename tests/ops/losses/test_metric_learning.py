"""Losses of distances, where two points meet and where they are far apart."""

from __future__ import annotations

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import grad

R = onp.random.default_rng(0)
A, B = R.standard_normal((2, 6, 3))


def test_contrastive_is_its_definition():
    d = onp.linalg.norm(A - B, axis=1)
    margin = float(onp.median(d))  # some of both sides
    same = onp.array([1, 0, 0, 1, 0, 0])
    expected = onp.where(same, d**2 / 2, onp.maximum(0, margin - d) ** 2 / 2)
    assert (expected == 0).any()
    onp.testing.assert_allclose(ops.contrastive_loss(A, B, same, margin), expected, rtol=1e-14)
    onp.testing.assert_array_equal(
        ops.contrastive_loss(A, B, same.astype(bool), margin), ops.contrastive_loss(A, B, same, margin)
    )


@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
def test_points_that_meet_have_the_gradient_zero(dtype):
    a = A.astype(dtype)
    for same in (onp.zeros(6), onp.ones(6)):
        g = grad(lambda x, same=same: np.sum(ops.contrastive_loss(x, a, same)))(a)
        onp.testing.assert_array_equal(g, onp.zeros_like(a))
    g = grad(lambda x: np.sum(ops.triplet_loss(x, a, a)))(a)
    onp.testing.assert_array_equal(g, onp.zeros_like(a))
    onp.testing.assert_array_equal(ops.triplet_loss(a, a, a, margin=0.5), onp.full(6, 0.5))


def test_a_negative_that_is_far_enough_costs_nothing():
    zero = onp.zeros((1, 2))
    near, far = onp.array([[3.0, 4.0]]), onp.array([[0.0, 7.0]])
    assert ops.triplet_loss(zero, near, far, margin=2.0) == 0
    assert ops.triplet_loss(zero, near, far, margin=3.0) == 1
    assert ops.triplet_loss(zero, far, near, margin=3.0) == 5


def test_embeddings_of_several_axes():
    a, b, c = R.standard_normal((3, 4, 2, 3))
    flat = ops.triplet_loss(a.reshape(4, 6), b.reshape(4, 6), c.reshape(4, 6))
    onp.testing.assert_allclose(ops.triplet_loss(a, b, c), flat, rtol=1e-14)
