"""Updates against the formulas of their papers, at sizes around a piece, and norms where squares overflow."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import optimizer_update

PIECE = optimizer_update.PIECE
sizes = pytest.mark.parametrize("n", [0, 1, PIECE, PIECE + 1, 2 * PIECE + 5])


def vectors(n, count, dtype=np.float64):
    r = np.random.default_rng(0)
    return [r.standard_normal(n).astype(dtype) for _ in range(count)]


@sizes
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize(
    ("momentum", "decay", "scale"), [(0.0, 0.0, 1.0), (0.9, 0.0, 0.5), (0.9, 0.1, 1.0), (0.9, 0.1, 2.0)]
)
def test_sgd_is_the_formula(n, momentum, nesterov, decay, scale):
    values, grads, velocity = vectors(n, 3)
    g = scale * grads + decay * values
    v = momentum * velocity + g
    step = g + momentum * v if nesterov else v
    expected = values - 0.1 * (step if momentum else g)
    kept = grads.copy()
    optimizer_update.sgd(values, grads, velocity, 0.1, momentum, nesterov, decay, scale)
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(grads, kept)
    if momentum:
        np.testing.assert_allclose(velocity, v, rtol=1e-12, atol=1e-14)


def test_sgd_without_momentum_needs_no_velocity():
    values, grads = vectors(3, 2)
    expected = values - 0.1 * grads
    optimizer_update.sgd(values, grads, None, 0.1)
    np.testing.assert_allclose(values, expected, rtol=1e-15)


@sizes
@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize(("decay", "scale", "count"), [(0.0, 1.0, 1), (0.1, 0.5, 7)])
def test_adam_is_the_formula(n, decoupled, decay, scale, count):
    values, grads, m, v = vectors(n, 4)
    v = v**2
    g = scale * grads + (0 if decoupled else decay) * values
    m_new, v_new = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
    step = (m_new / (1 - 0.9**count)) / (np.sqrt(v_new / (1 - 0.99**count)) + 1e-8)
    expected = values * (1 - 0.1 * decay if decoupled else 1) - 0.1 * step
    kept = grads.copy()
    optimizer_update.adam(values, grads, m, v, 0.1, 0.9, 0.99, 1e-8, decay, decoupled, count, scale)
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose([m, v], [m_new, v_new], rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(grads, kept)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pieces_are_of_64_kib_and_miss_nothing(dtype):
    """So that all the arrays of an update fit in cache together, whatever their dtype."""
    vector = np.arange(3 * PIECE + 5, dtype=dtype)
    found = [piece for (piece,) in optimizer_update.pieces(vector)]
    np.testing.assert_array_equal(np.concatenate(found), vector)
    assert max(piece.nbytes for piece in found) == 64 << 10


def test_float32_stays_and_pieces_change_no_bit(monkeypatch):
    def run():
        values, grads, m, v = vectors(1000, 4, np.float32)
        v = np.abs(v)
        optimizer_update.sgd(values, grads, m, 0.1, 0.9, True, 0.1, 0.5)
        optimizer_update.adam(values, grads, m, v, 0.1, weight_decay=0.1, decoupled=True, count=3, scale=0.5)
        assert {a.dtype for a in (values, m, v)} == {np.dtype(np.float32)}
        return values

    whole = run()
    monkeypatch.setattr(optimizer_update, "PIECE", 7)
    np.testing.assert_array_equal(run(), whole)


@sizes
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_square_norm(n, dtype):
    (x,) = vectors(n, 1, dtype)
    cells = np.array([(start, min(n, start + PIECE)) for start in range(0, n, PIECE)]).reshape(-1, 2)
    # some 1e4 roundings in parallel sums of float64
    np.testing.assert_allclose(optimizer_update.square_norms(x, cells).sum(), np.sum(x.astype(float) ** 2), rtol=1e-12)


@pytest.mark.parametrize("size", [1e-30, 1e-22, 1.0, 1e22, 1e30])
def test_square_norm_neither_overflows_nor_vanishes(size):
    x = np.full(1000, size, np.float32)
    np.testing.assert_allclose(optimizer_update.square_norm(x), 1000 * size**2, rtol=1e-6)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_seen(wrong):
    x = np.zeros(PIECE + 3, np.float32)
    x[-1] = wrong
    assert not np.isfinite(optimizer_update.square_norm(x))


def test_clip_value():
    x = np.array([-np.inf, -2.0, 0.5, 2.0, np.inf, np.nan])
    optimizer_update.clip_value_(x, 1.0)
    np.testing.assert_array_equal(x, [-1, -1, 0.5, 1, 1, np.nan])
