"""Losses of differences against their definitions."""

from __future__ import annotations

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad

R = onp.random.default_rng(0)
A, B = R.standard_normal((2, 5, 3, 2))


def test_the_mean_over_all_features():
    onp.testing.assert_allclose(ops.squared_error(A, B), ((A - B) ** 2).mean((1, 2)), rtol=1e-14)
    onp.testing.assert_allclose(ops.absolute_error(A, B), abs(A - B).mean((1, 2)), rtol=1e-14)
    for loss in (ops.squared_error, ops.absolute_error, ops.huber_loss):
        check_grads(loss, order=2)(A, B)


def test_one_number_a_sample():
    a, b = A[:, 0, 0], B[:, 0, 0]
    onp.testing.assert_allclose(ops.squared_error(a, b), (a - b) ** 2, rtol=1e-14)
    onp.testing.assert_allclose(ops.absolute_error(a, b), abs(a - b), rtol=1e-14)
    onp.testing.assert_allclose(ops.huber_loss(a, b, 0.5), ops.huber_loss(b, a, 0.5), rtol=1e-14)


def test_huber_is_half_a_square_and_then_a_line():
    d = onp.array([0.0, 0.5, -0.5, 2.0, -3.0, 1e30])
    onp.testing.assert_allclose(ops.huber_loss(d, 0 * d, 0.5), [0, 0.125, 0.125, 0.875, 1.375, 0.5e30], rtol=1e-14)
    g = grad(lambda d: np.sum(ops.huber_loss(d, 0 * d, 0.5)))(d)
    onp.testing.assert_allclose(g, onp.clip(d, -0.5, 0.5), rtol=1e-14)
    assert ops.huber_loss(onp.array([1e30], onp.float32), onp.zeros(1, onp.float32)) == pytest.approx(1e30)


def test_the_derivative_where_they_meet_is_zero():
    onp.testing.assert_array_equal(grad(lambda a: np.sum(ops.absolute_error(a, A)))(A), onp.zeros_like(A))
