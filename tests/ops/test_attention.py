"""Attention by sums that are written out; which keys a query sees; and scores that are far apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.autodiff import check_grads, grad

R = np.random.default_rng(0)


def spelled_out(q: Any, k: Any, v: Any, causal: bool) -> Any:
    """One query at a time; the last query sees all keys."""
    t, s = len(q), len(k)
    y = np.zeros((t, v.shape[1]))
    for i in range(t):
        seen = s - t + i + 1 if causal else s
        weights = np.exp(q[i] @ k[:seen].T / q.shape[1] ** 0.5)
        y[i] = weights / weights.sum() @ v[:seen]
    return y


@pytest.mark.parametrize(("t", "s", "causal"), [(3, 3, True), (2, 5, True), (1, 4, True), (3, 3, False), (5, 2, False)])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-4), (np.float64, 1e-12)])
def test_values_are_weighted_by_how_well_keys_match(t: int, s: int, causal: bool, dtype: Any, rtol: float) -> None:
    q, k, v = (R.standard_normal((2, 3, n, d)).astype(dtype) for n, d in ((t, 4), (s, 4), (s, 2)))
    found = ops.attention(q, k, v, causal=causal)
    assert (found.shape, found.dtype) == ((2, 3, t, 2), dtype)
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(
            found[index], spelled_out(q[index], k[index], v[index], causal), rtol=rtol, atol=rtol
        )


def test_equal_scores_average_what_is_seen() -> None:
    zeros, v = np.zeros((4, 2)), np.array([[1.0], [3.0], [5.0], [7.0]])
    np.testing.assert_allclose(ops.attention(zeros, zeros, v)[:, 0], [1, 2, 3, 4], rtol=1e-15)
    np.testing.assert_allclose(ops.attention(zeros, zeros, v, causal=False)[:, 0], 4, rtol=1e-15)


def test_what_is_not_seen_has_no_gradient() -> None:
    q, k, v = R.standard_normal((3, 4, 2))
    dk, dv = grad(lambda k, v: ops.attention(q, k, v)[1].sum(), (0, 1))(k, v)
    assert not dk[2:].any()
    assert not dv[2:].any()
    assert dk[:2].any()
    assert dv[:2].all()


def test_scores_far_apart_choose_one_value() -> None:
    q, k, v = np.array([[1e4, 0.0]]), np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), np.array([[2.0], [3.0], [5.0]])
    np.testing.assert_array_equal(ops.attention(q, k, v, causal=False), [[2.0]])


def test_order_of_the_keys_does_not_matter_where_all_are_seen() -> None:
    q, k, v = R.standard_normal((3, 5, 2))
    turned = [4, 2, 0, 3, 1]
    np.testing.assert_allclose(
        ops.attention(q, k[turned], v[turned], causal=False), ops.attention(q, k, v, causal=False), rtol=1e-12
    )


@pytest.mark.parametrize("causal", [True, False])
def test_derivatives_to_second_order_on_arrays_with_gaps(causal: bool) -> None:
    q, k, v = R.standard_normal((3, 4, 6))[:, :, ::2]
    check_grads(lambda q, k, v: ops.attention(q, k, v, causal=causal))(q, k, v)
