"""The affine map with any leading axes, and its ways back, against sums that are written out."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import linear

R = np.random.default_rng(0)
W, B = R.standard_normal((4, 3)), R.standard_normal(3)


@pytest.mark.parametrize("lead", [(5,), (2, 3), (2, 1, 3), (0,), ()])
def test_leading_axes_are_rows(lead: tuple[int, ...]) -> None:
    x, g = R.standard_normal((*lead, 4)), R.standard_normal((*lead, 3))
    np.testing.assert_allclose(linear.forward(x, W, B), np.einsum("...d,dk->...k", x, W) + B, rtol=1e-12)
    np.testing.assert_allclose(linear.backward_input(g, W), np.einsum("...k,dk->...d", g, W), rtol=1e-12)
    np.testing.assert_allclose(
        linear.backward_weight(x, g), np.einsum("md,mk->dk", x.reshape(-1, 4), g.reshape(-1, 3)), atol=1e-13
    )
    np.testing.assert_allclose(linear.backward_bias(g), g.reshape(-1, 3).sum(axis=0), atol=1e-13)


def test_inputs_that_lie_with_gaps_are_read_right() -> None:
    x = R.standard_normal((6, 8))[::2, ::2]
    np.testing.assert_allclose(linear.forward(x, W), x.copy() @ W, rtol=1e-13)
    np.testing.assert_allclose(linear.backward_weight(x, x[:, :3]), x.T @ x[:, :3], rtol=1e-12)


def test_the_weight_is_not_changed_by_the_bias() -> None:
    x, kept = R.standard_normal((2, 4)), W.copy()
    linear.forward(x, W, B)
    np.testing.assert_array_equal(W, kept)
