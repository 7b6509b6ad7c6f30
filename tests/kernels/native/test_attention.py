"""Compiled attention: random shapes and layouts, what masks hide, what is left to the reference."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import attention, native

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")
forward, backward = attention.forward, attention.backward
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def _drawn(r, dtype, causal):
    """q, k, v, a cotangent and a mask, of random shapes, as views into larger arrays."""
    n, heads, t, d, e = (int(r.integers(1, top)) for top in (3, 4, 150, 40, 40))
    s = t + int(r.integers(0, 200)) if causal else int(r.integers(1, 300))
    q, k, v, g = (
        r.standard_normal((n, length, heads, 2 * width)).astype(dtype).swapaxes(1, 2)[..., :width]
        for length, width in ((t, d), (s, d), (s, e), (t, e))
    )
    shape = [(n, heads, t, s), (n, 1, 1, s), (t, s), (heads, t, 1)][r.integers(4)]
    return q, k, v, g, r.random(shape) < 0.7


@every_dtype
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_random_shapes_and_layouts(dtype, causal, masked):
    r = np.random.default_rng(1)
    near = {"rtol": 0, "atol": 200 * np.finfo(dtype).eps}  # of entries of the size of 1, sums of up to 350 terms
    for _ in range(12):
        q, k, v, g, mask = _drawn(r, dtype, causal)
        mask = mask if masked else None
        y, log_sum = forward.twin(q, k, v, causal, mask)
        expected, expected_sum = forward.reference(q, k, v, causal, mask)
        np.testing.assert_allclose(y, expected, **near)
        np.testing.assert_allclose(log_sum, expected_sum, **near)
        found = backward.twin(g, expected, expected_sum, q, k, v, causal, mask)
        references = backward.reference(g, expected, expected_sum, q, k, v, causal, mask)
        for mine, reference in zip(found, references, strict=True):
            top = max(1.0, np.abs(reference).max())
            np.testing.assert_allclose(mine / top, reference / top, **near)


@every_dtype
def test_nothing_reaches_or_leaves_what_masks_hide(dtype):
    """A key after the last query that may see it, or hidden by the mask, may hold anything."""
    r = np.random.default_rng(2)
    q, k, v, g = (r.standard_normal((1, 70, 8)).astype(dtype) for _ in range(4))
    mask = np.ones((70, 70), bool)
    mask[:, 3] = False
    mask[0] = False
    y, log_sum = forward.twin(q, k, v, True, mask)
    k[:, 3], v[:, 3] = 1e30, np.inf
    _, dk, dv = backward.twin(g, y, log_sum, q, k, v, True, mask)
    assert np.isfinite(dk).all()
    assert np.isfinite(dv).all()
    np.testing.assert_array_equal(dk[:, 3], 0)
    np.testing.assert_array_equal(dv[:, 3], 0)
    k[:, 3], v[:, 3] = 1, 1
    first = forward.twin(q, k, v, True)[0]
    k[:, 50:] = v[:, 50:] = np.nan
    np.testing.assert_array_equal(forward.twin(q, k, v, True)[0][:, :48], first[:, :48])


@every_dtype
def test_a_query_that_sees_nothing_gets_and_gives_zeros(dtype):
    r = np.random.default_rng(3)
    q, k, v, g = (r.standard_normal((2, 20, 12)).astype(dtype) for _ in range(4))
    mask = np.ones((20, 20), bool)
    mask[[0, 7, 19]] = False
    y, log_sum = forward.twin(q, k, v, False, mask)
    dq, dk, dv = backward.twin(g, y, log_sum, q, k, v, False, mask)
    np.testing.assert_array_equal(y[:, [0, 7, 19]], 0)
    np.testing.assert_array_equal(log_sum[:, [0, 7, 19]], 0)
    np.testing.assert_array_equal(dq[:, [0, 7, 19]], 0)
    assert np.isfinite(dk).all()
    assert np.isfinite(dv).all()


@every_dtype
def test_large_scores_neither_overflow_nor_lose_the_largest(dtype):
    q = np.full((1, 3, 4), 1e4, dtype)
    k = np.repeat([-1e4, 1e4], 12).astype(dtype).reshape(1, 6, 4)
    v = np.arange(6, dtype=dtype).reshape(1, 6, 1)
    y, _ = forward.twin(q, k, v, False)
    np.testing.assert_allclose(y, 4, rtol=1e-6)  # the mean of the last three


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_shows(bad):
    q, k, v = (np.ones((2, 9, 4), np.float32) for _ in range(3))
    q[1, 5, 2] = bad
    y, _ = forward.twin(q, k, v, False)
    assert np.isnan(y[1, 5]).all()
    assert np.isfinite(y[0]).all()
    assert np.isfinite(np.delete(y[1], 5, axis=0)).all()


def test_results_lie_in_memory_as_queries_do():
    """So that heads which came from the columns of a matrix go back into one without a copy."""
    q, k, v = np.ones((2, 9, 3, 4, 5)).transpose(2, 0, 3, 1, 4)
    y, _ = forward.twin(q, k, v, True)
    assert y.transpose(0, 2, 1, 3).flags.c_contiguous


def test_out_is_filled():
    r = np.random.default_rng(4)
    q, k, v, g = (r.standard_normal((2, 3, 20, 5)) for _ in range(4))
    y = np.full(q.shape, np.nan)
    assert forward.twin(q, k, v, True, out=y)[0] is y
    _, log_sum = forward.reference(q, k, v, True)
    out = tuple(np.full(x.shape, np.nan) for x in (q, k, v))
    assert backward.twin(g, y, log_sum, q, k, v, True, out=out) is out
    for mine, reference in zip(out, backward.reference(g, y, log_sum, q, k, v, True), strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-11, atol=1e-12)


def test_what_is_left_to_the_reference():
    x = np.ones((2, 3, 4, 5))
    assert forward.twin(x, x.astype(np.float32), x, False) is NotImplemented
    assert forward.twin(x.swapaxes(-1, -2), x.swapaxes(-1, -2), x.swapaxes(-1, -2), False) is NotImplemented
    assert forward.twin(x[None], x[None], x[None], False) is NotImplemented
    assert forward.twin(x, x[:, :, :2], x[:, :, :2], True) is NotImplemented
    assert forward.twin(x, x[:, :, :0], x[:, :, :0], False) is NotImplemented
