"""Determinants of singular matrices, of nearly singular ones, and where they underflow."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, jvp, vjp
from ddtrain.errors import DerivativeError

rng = onp.random.default_rng(3)
R = rng.standard_normal((3, 3)) + 3 * onp.eye(3)
EXACTLY = onp.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 5.0]])
SINGULAR = {
    "zero": onp.zeros((3, 3)),
    "a number": onp.zeros((1, 1)),
    "rank 1": onp.outer([1.0, 2.0, 4.0], [2.0, 0.0, 1.0]),
    "rank 2": EXACTLY,
    "complex": EXACTLY * onp.array([1.0, 1.0 + 2.0j, 2.0j]),
    "batch": onp.stack([EXACTLY, R, onp.zeros((3, 3))]),
}


def minors(x):
    """The cofactors by their definition."""
    n = len(x)
    return onp.array([
        [(-1) ** (i + j) * onp.linalg.det(onp.delete(onp.delete(x, i, 0), j, 1)) for j in range(n)] for i in range(n)
    ])  # fmt: skip


@pytest.mark.parametrize("x", SINGULAR.values(), ids=SINGULAR)
def test_det_of_a_singular_matrix(x):
    check_grads(np.linalg.det)(x)  # both modes, to second order
    for matrix in x.reshape(-1, *x.shape[-2:]):
        (g,) = vjp(np.linalg.det, matrix)[1](1.0)
        onp.testing.assert_allclose(g, minors(matrix), rtol=1e-12, atol=1e-12)
        moved = matrix + 1e-3 * onp.eye(len(matrix))
        onp.testing.assert_allclose(vjp(np.linalg.det, moved)[1](1.0)[0], minors(moved), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [2, 4, 5])
def test_det_of_a_nearly_singular_matrix(n):
    x = rng.standard_normal((n, n))
    x[-1] = x[0] * 3 + 1e-14 * x[-1]
    onp.testing.assert_allclose(vjp(np.linalg.det, x)[1](1.0)[0], minors(x), rtol=1e-9, atol=1e-11)


def test_det_where_it_underflows_keeps_its_derivative():
    x = onp.diag([1e-200, 1e-200, 1e100])
    onp.testing.assert_allclose(onp.diag(vjp(np.linalg.det, x)[1](1.0)[0]), [1e-100, 1e-100, 0], rtol=1e-12)


@pytest.mark.parametrize("x", [EXACTLY, SINGULAR["complex"]], ids=["real", "complex"])
def test_slogdet_of_a_singular_matrix_is_refused_by_name(x):
    with pytest.raises(DerivativeError, match=r"slogdet: a matrix in the array of shape \(3, 3\) is singular.*\n.*det"):
        vjp(lambda x: np.linalg.slogdet(x)[1], x)[1](1.0)
    with pytest.raises(DerivativeError, match="slogdet"):
        jvp(lambda x: np.linalg.slogdet(x)[1], (x,), (x,))
