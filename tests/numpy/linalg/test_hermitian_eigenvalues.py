"""Eigenvalues of symmetric matrices: repeated ones, either triangle, and directions that keep a pair."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, jvp

rng = onp.random.default_rng(3)
W = rng.standard_normal((3, 3))
S = W @ W.T + onp.diag([1.0, 2.0, 4.0])


def parts(result):
    return list(result) if isinstance(result, tuple) else [result]


REPEATED = onp.diag([1.0, 2.0, 2.0])
TURN = onp.linalg.qr(W)[0]


@pytest.mark.parametrize("x", [REPEATED, TURN @ REPEATED @ TURN.T, onp.eye(3), onp.zeros((3, 3))])
def test_symmetric_functions_of_repeated_eigenvalues(x):
    g = grad(lambda x: np.sum(np.linalg.eigvalsh(x) ** 3))(x)
    onp.testing.assert_allclose(g, onp.tril(6 * x @ x) - 3 * onp.diag(onp.diag(x @ x)), atol=1e-12)
    g = grad(lambda x: np.sum(np.linalg.eigh(x).eigenvalues ** 2))(x)
    onp.testing.assert_allclose(g, 4 * onp.tril(x) - 2 * onp.diag(onp.diag(x)), atol=1e-12)
    onp.testing.assert_allclose(grad(lambda x: np.sum(np.linalg.svdvals(x) ** 2))(x), 2 * x, atol=1e-12)
    onp.testing.assert_allclose(jvp(lambda x: np.sum(np.linalg.eigvals(x)), (x,), (S,))[1], onp.trace(S))


def test_a_direction_that_keeps_the_plane_of_a_pair_differentiates_forward():
    x = TURN @ REPEATED @ TURN.T
    direction = TURN @ onp.array([[1.0, 2.0, 3.0], [2.0, 1.0, 0.0], [3.0, 0.0, 1.0]]) @ TURN.T
    first = lambda x: np.linalg.eigh(x)[1][:, 0] ** 2
    numeric = (first(x + 1e-6 * direction) - first(x - 1e-6 * direction)) / 2e-6
    onp.testing.assert_allclose(jvp(first, (x,), (direction,))[1], numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("triangle", ["L", "U"])
def test_eigh_of_either_triangle(triangle):
    for x in (S, W, onp.stack([S, W])):
        for ours, theirs in zip(np.linalg.eigh(x, triangle), onp.linalg.eigh(x, triangle)):
            onp.testing.assert_array_equal(ours, theirs)
        check_grads(lambda x: parts(np.linalg.eigh(x, triangle)))(x)
    assert parts(np.linalg.eigh(W, triangle.lower()))[0].shape == (3,)


def test_a_triangle_that_is_none_is_refused():
    with pytest.raises(ValueError, match="which triangle"):
        grad(lambda x: np.linalg.eigh(x, "X"))(S)
