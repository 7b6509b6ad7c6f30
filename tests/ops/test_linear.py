"""The affine map: leading axes, gradients by hand, arrays with gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import ops
from ddtrain.autodiff import check_grads, vjp

R = np.random.default_rng(0)
W, B = R.standard_normal((3, 2)), R.standard_normal(2)


@pytest.mark.parametrize("lead", [(), (4,), (2, 5), (0,), (2, 0)])
def test_values_and_cotangents_over_any_leading_axes(lead: tuple[int, ...]) -> None:
    x, g = R.standard_normal((*lead, 3)), R.standard_normal((*lead, 2))
    y, pull = vjp(ops.linear, x, W, B)
    np.testing.assert_allclose(y, x @ W + B, rtol=1e-12)
    dx, dw, db = pull(g)
    rows, columns = x.reshape(-1, 3), g.reshape(-1, 2)
    np.testing.assert_allclose(dx, g @ W.T, rtol=1e-12)
    np.testing.assert_allclose(dw, rows.T @ columns, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(db, columns.sum(0), rtol=1e-12, atol=1e-14)


def test_without_a_bias_there_is_none() -> None:
    x = R.standard_normal((4, 3))
    np.testing.assert_array_equal(ops.linear(x, W), x @ W)
    np.testing.assert_array_equal(ops.linear(x, W, None), x @ W)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_with_gaps(dtype: Any) -> None:
    x, w = R.standard_normal((8, 6)).astype(dtype)[::2, ::2], R.standard_normal((2, 3)).astype(dtype).T
    y = ops.linear(x, w)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, x.copy() @ w.copy(), rtol=1e-5)
    if dtype == np.float64:
        check_grads(ops.linear)(x, w)


def test_a_weight_that_is_used_twice_has_the_sum_of_both() -> None:
    x, square = R.standard_normal((4, 3)), R.standard_normal((3, 3))
    check_grads(lambda w: ops.linear(dnp.tanh(ops.linear(x, w)), w))(square)
