"""Cofactors: their precision, and the third derivative of a determinant, which is theirs."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, jvp, vjp
from ddtrain.errors import DerivativeError

rng = onp.random.default_rng(3)
W = rng.standard_normal((3, 3))
S, R = W @ W.T + onp.diag([1.0, 2.0, 4.0]), W + 3 * onp.eye(3)
EXACTLY = onp.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 5.0]])


def minors(x):
    """The cofactors by their definition."""
    n = len(x)
    return onp.array([
        [(-1) ** (i + j) * onp.linalg.det(onp.delete(onp.delete(x, i, 0), j, 1)) for j in range(n)] for i in range(n)
    ])  # fmt: skip


def test_float32_cofactors_stay_float32():
    x = EXACTLY.astype(onp.float32)
    (g,) = vjp(np.linalg.det, x)[1](onp.float32(1))
    assert g.dtype == onp.float32
    onp.testing.assert_allclose(g, minors(EXACTLY), rtol=1e-5, atol=1e-5)


def test_third_derivatives_of_det():
    third = lambda x: jvp(lambda x: jvp(grad(np.linalg.det), (x,), (W,))[1], (x,), (S,))[1]
    full = onp.einsum("ijk,abc,jb,kc->ia", EPSILON, EPSILON, W, S)  # of a 3x3 determinant
    onp.testing.assert_allclose(third(R), full, rtol=1e-10, atol=1e-10)
    with pytest.raises(DerivativeError, match="det: the third derivative at a singular matrix"):
        third(EXACTLY)


EPSILON = onp.array([[[(j - i) * (k - j) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)])
