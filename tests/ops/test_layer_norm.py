"""Layer normalisation: rows of mean 0 and variance 1, invariant to shift and scale, finite where nothing varies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad

R = np.random.default_rng(0)
X, SCALE, SHIFT = R.standard_normal((4, 3, 5)) * 3 + 7, R.standard_normal(5), R.standard_normal(5)
ONES, ZEROS = np.ones(5), np.zeros(5)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-4), (np.float64, 1e-12)])
def test_it_is_the_formula(dtype: Any, rtol: float) -> None:
    x, scale, shift = (a.astype(dtype) for a in (X, SCALE, SHIFT))
    y = ops.layer_norm(x, scale, shift, eps=0.5)
    assert y.dtype == dtype
    expected = (X - X.mean(-1, keepdims=True)) / np.sqrt(X.var(-1, keepdims=True) + 0.5) * SCALE + SHIFT
    np.testing.assert_allclose(y, expected, rtol=rtol, atol=rtol)


def test_rows_do_not_see_each_other() -> None:
    changed = X.copy()
    changed[1, 1] = 100.0
    same = np.ones((4, 3), bool)
    same[1, 1] = False
    np.testing.assert_array_equal(ops.layer_norm(changed, SCALE, SHIFT)[same], ops.layer_norm(X, SCALE, SHIFT)[same])


def test_a_shift_and_a_scale_of_a_row_change_nothing() -> None:
    y = ops.layer_norm(X, ONES, ZEROS, eps=0.0)
    np.testing.assert_allclose(ops.layer_norm(8 * X - 100, ONES, ZEROS, eps=0.0), y, rtol=1e-10)
    g = grad(lambda x: dnp.sum(ops.layer_norm(x, SCALE, SHIFT, eps=0.0) ** 3))(X)
    np.testing.assert_allclose(g.sum(-1), 0, atol=1e-10)
    np.testing.assert_allclose((g * X).sum(-1), 0, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 3.0, 1e8])
def test_a_row_of_equal_entries_is_the_shift_and_has_finite_derivatives(value: float) -> None:
    x = np.full((2, 5), value)
    np.testing.assert_array_equal(ops.layer_norm(x, SCALE, SHIFT), np.broadcast_to(SHIFT, (2, 5)))
    assert np.isfinite(grad(lambda x: dnp.sum(ops.layer_norm(x, SCALE, SHIFT) ** 2))(x)).all()


def test_a_large_mean_leaves_the_variance_right() -> None:
    """In float32 E[x^2] - E[x]^2 would be off by 6 at a mean of 10,000."""
    x = (np.array([[-1.0, 1.0, -1.0, 1.0, 0.0]]) + 1e4).astype(np.float32)
    y = ops.layer_norm(x, ONES.astype(np.float32), ZEROS.astype(np.float32), eps=0.0)
    np.testing.assert_allclose(y, np.array([[-1, 1, -1, 1, 0]]) / np.sqrt(0.8), rtol=1e-3, atol=1e-3)


def test_derivatives_to_second_order() -> None:
    check_grads(ops.layer_norm)(X[0, ::2], SCALE, SHIFT)
