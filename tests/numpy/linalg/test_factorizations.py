"""Derivatives of factorizations of symmetric matrices are symmetric."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import grad

rng = onp.random.default_rng(0)
M = rng.standard_normal((3, 3))
S = M @ M.T + onp.eye(3)


def test_cholesky_gradient_is_symmetric():
    g = grad(lambda x: np.sum(np.linalg.cholesky(x) * M))(S)
    onp.testing.assert_allclose(g, g.T, rtol=1e-12)
