"""The singular value decomposition of matrices of any shape."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads

rng = onp.random.default_rng(3)
M = rng.standard_normal((4, 3))
TALL = M + 1j * rng.standard_normal((4, 3))


def free_of_phases(x):
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return s, u * s**2 @ vh, np.abs(u), np.abs(vh)


@pytest.mark.parametrize("x", [TALL, TALL.conj().T, M, M.T], ids=["tall", "wide", "real", "real wide"])
def test_rectangular_svd(x):
    check_grads(free_of_phases)(x)
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    onp.testing.assert_allclose(u * s @ vh, x, atol=1e-14)
