"""Long short-term memory, gate by gate; its way back is tested with the operation, against its composition."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels.recurrent import lstm as kernel

R = np.random.default_rng(0)


def sigma(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_gates_in_pytorchs_order(dtype, rtol):
    a, h, c, w = (R.standard_normal(s).astype(dtype) for s in ((2, 3, 16), (2, 4), (2, 4), (4, 16)))
    y, *_ = kernel.lstm(a, h, c, w)
    assert y.dtype == dtype
    for t in range(3):
        i, f, g, o = np.split(a[:, t] + h @ w, 4, axis=1)
        c = sigma(f) * c + sigma(i) * np.tanh(g)
        h = sigma(o) * np.tanh(c)
        np.testing.assert_allclose(y[:, t], np.concatenate((h, c), 1), rtol=rtol)


def test_a_full_forget_gate_keeps_the_cell_and_its_derivative():
    a = np.zeros((1, 50, 4))
    a[..., 0], a[..., 1] = -1000, 1000
    c, w = np.full((1, 1), 0.7), np.zeros((1, 4))
    y, gates, squashed = kernel.lstm(a, np.zeros((1, 1)), c, w)
    np.testing.assert_array_equal(y[0, :, 1], 0.7)
    g = np.zeros((1, 50, 2))
    g[0, -1, 1] = 1
    _, _, dc = kernel.lstm_backward(g, y, gates, squashed, c, w)
    assert dc.item() == 1
