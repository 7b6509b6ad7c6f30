"""The gated recurrent unit, gate by gate; its way back is tested with the operation, against its composition."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels.recurrent import gru as kernel

R = np.random.default_rng(0)


def sigma(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("bias", [False, True])
def test_gates_in_pytorchs_order(bias):
    a, h, w = R.standard_normal((2, 3, 12)), R.standard_normal((2, 4)), R.standard_normal((4, 12))
    b = R.standard_normal(12) if bias else None
    y, _ = kernel.gru(a, h, w, b)
    for t in range(3):
        q = h @ w + (0 if b is None else b)
        r, z = sigma(a[:, t, :4] + q[:, :4]), sigma(a[:, t, 4:8] + q[:, 4:8])
        n = np.tanh(a[:, t, 8:] + r * q[:, 8:])
        h = (1 - z) * n + z * h
        np.testing.assert_allclose(y[:, t], h, rtol=1e-12)


def test_gates_that_are_full_or_empty_keep_or_replace_the_state():
    far = 1000.0
    keep, replace = np.zeros((1, 1, 3)), np.zeros((1, 1, 3))
    keep[..., 1], replace[..., 1], replace[..., 2] = far, -far, far
    h, w = np.full((1, 1), 0.7), np.zeros((1, 3))
    assert kernel.gru(keep, h, w, None)[0].item() == 0.7
    assert kernel.gru(replace, h, w, None)[0].item() == 1.0
