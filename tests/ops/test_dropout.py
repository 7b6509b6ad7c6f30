"""Dropout: which units stay, that the mean stays, and that what is dropped has no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.autodiff import check_grads, grad, jvp

UNIFORM = np.random.default_rng(0).random((50, 40))
X = np.random.default_rng(1).standard_normal((50, 40)) + 5


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_stay_where_the_number_is_not_below_the_rate(rate: float, dtype: Any) -> None:
    x = X.astype(dtype)
    y = ops.dropout(x, UNIFORM, rate)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y != 0, rate <= UNIFORM)
    np.testing.assert_allclose(y[y != 0], x[y != 0] / (1 - rate), rtol=1e-6)
    # 2,000 units: a deviation of the mean of 5 sqrt(rate / (1 - rate) / 2000), and five of them
    assert abs(y.mean() - x.mean()) < 25 * (rate / (1 - rate) / 2000) ** 0.5


def test_a_number_equal_to_the_rate_stays() -> None:
    np.testing.assert_array_equal(ops.dropout(np.ones(3), np.array([0.25, 0.5, 0.75]), 0.5), [0, 2, 2])


def test_a_rate_of_zero_drops_nothing_and_of_one_everything() -> None:
    np.testing.assert_array_equal(ops.dropout(X, UNIFORM, 0.0), X)
    np.testing.assert_array_equal(ops.dropout(X, UNIFORM, 1.0), 0 * X)
    np.testing.assert_array_equal(grad(lambda x: ops.dropout(x, UNIFORM, 1.0).sum())(X), 0 * X)


def test_the_gradient_and_the_tangent_have_the_same_mask() -> None:
    kept = (UNIFORM >= 0.3) / 0.7
    np.testing.assert_allclose(grad(lambda x: ops.dropout(x, UNIFORM, 0.3).sum())(X), kept, rtol=1e-14)
    np.testing.assert_allclose(jvp(lambda x: ops.dropout(x, UNIFORM, 0.3), (X,), (X,))[1], kept * X, rtol=1e-14)
    check_grads(lambda x: ops.dropout(x, UNIFORM[:3, :4], 0.3) ** 2)(X[:3, :8:2])
