"""Softmax and its logarithm: probabilities, shifts that change nothing, and scores far apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad

X = np.random.default_rng(0).standard_normal((3, 4, 2))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_along_an_axis(axis: int, dtype: Any) -> None:
    x = X.astype(dtype)
    p = ops.softmax(x, axis)
    assert p.dtype == dtype
    np.testing.assert_allclose(p, np.exp(x) / np.exp(x).sum(axis, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(p.sum(axis), 1, rtol=1e-6)
    np.testing.assert_allclose(ops.log_softmax(x, axis), np.log(p), rtol=1e-4, atol=1e-6)


def test_a_shift_of_all_scores_changes_nothing() -> None:
    np.testing.assert_allclose(ops.softmax(X + 1000.0), ops.softmax(X), rtol=1e-11)
    np.testing.assert_allclose(grad(lambda x: dnp.sum(ops.log_softmax(x) ** 2))(X).sum(-1), 0, atol=1e-12)


def test_scores_far_apart_neither_overflow_nor_lose_the_logarithm() -> None:
    x = np.array([0.0, -1000.0, -2000.0])
    np.testing.assert_array_equal(ops.softmax(x), [1, 0, 0])
    np.testing.assert_array_equal(ops.log_softmax(x), [0, -1000, -2000])
    np.testing.assert_array_equal(grad(lambda x: ops.log_softmax(x)[1])(x), [-1, 1, 0])


def test_masked_scores_have_no_probability_and_no_derivative() -> None:
    x = np.array([1.0, -np.inf, 2.0])
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(ops.softmax(x), [p, 0, 1 - p], rtol=1e-14)
    g = grad(lambda x: ops.softmax(x)[0])(x)
    np.testing.assert_allclose(g, [p * (1 - p), 0, -p * (1 - p)], rtol=1e-14)


@pytest.mark.parametrize("op", [ops.softmax, ops.log_softmax])
def test_derivatives_to_second_order_on_arrays_with_gaps(op: Any) -> None:
    x = np.random.default_rng(1).standard_normal((3, 8))[:, ::2]
    check_grads(lambda x: op(x))(x)
    check_grads(lambda x: op(x, 0))(x.T)
