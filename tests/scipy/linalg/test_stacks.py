"""Stacks of matrices: SciPy's values, and derivatives, of every function of ``scipy.linalg`` that has rules."""

import numpy as np
import pytest
import scipy.linalg as sl

from ddtrain.autodiff import check_grads, vjp
from ddtrain.scipy import linalg

rng = np.random.default_rng(0)
A, TALL = rng.standard_normal((2, 3, 3)) + 3 * np.eye(3), rng.standard_normal((2, 4, 3))
P = A @ A.mT
B, V, C = rng.standard_normal((2, 3, 2)), rng.standard_normal(3), rng.standard_normal((2, 4))
BANDS = rng.standard_normal((2, 3, 3)) + np.array([0, 5, 0])[:, None]

CALLS = {
    "block_diag": [lambda f, x=A, y=B: f(x, y), lambda f, x=A, y=V: f(x, y)],
    "cholesky": [lambda f, x=P: f(x), lambda f, x=P: f(x, lower=True)],
    "circulant": [lambda f, x=C: f(x)],
    "det": [lambda f, x=A: f(x)],
    "eig": [lambda f, x=A: f(x)[0]],
    "eigh": [
        lambda f, x=P: f(x)[0],
        lambda f, x=P, y=P[0]: f(x, y + np.eye(3))[0],
        lambda f, x=P: f(x, eigvals_only=True, subset_by_index=[0, 1]),
    ],
    "eigvals": [lambda f, x=A: f(x)],
    "eigvalsh": [lambda f, x=P: f(x), lambda f, x=P: f(x, P + np.eye(3))],
    "inv": [lambda f, x=A: f(x)],
    "lstsq": [lambda f, x=TALL, y=TALL[:, :, :2]: f(x, y)[0], lambda f, x=TALL, y=C[0]: f(x, y)[0]],
    "lu": [lambda f, x=A: f(x), lambda f, x=TALL: f(x, permute_l=True), lambda f, x=A[None]: f(x, p_indices=True)],
    "lu_factor": [lambda f, x=A: f(x)],
    "norm": [lambda f, x=A: f(x, axis=(1, 2))],
    "pinv": [lambda f, x=TALL: f(x)],
    "qr": [lambda f, x=A: f(x)[1] ** 2, lambda f, x=TALL: f(x, mode="r") ** 2],
    "solve": [lambda f, x=A, y=B: f(x, y), lambda f, x=A, y=V: f(x, y), lambda f, x=A[0], y=B: f(x, y)],
    "solve_banded": [lambda f, x=BANDS, y=B: f((1, 1), x, y), lambda f, x=BANDS, y=V: f((1, 1), x, y)],
    "solve_sylvester": [lambda f, x=A, y=P, z=A: f(x, y, z)],
    "solve_triangular": [lambda f, x=A, y=B: f(x, y, lower=True), lambda f, x=A, y=V: f(x, y)],
    "svdvals": [lambda f, x=TALL: f(x)],
    "toeplitz": [lambda f, x=C: f(x), lambda f, x=C, y=C[:1] + 1: f(x, y)],
    **{name: [lambda f, x=0.2 * A: f(x)] for name in ("expm", "cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm")},
    **{name: [lambda f, x=P: f(x)] for name in ("logm", "sqrtm")},
}


def parts(result):
    return list(result) if isinstance(result, tuple | list) else [result]


@pytest.mark.parametrize(("name", "call"), [(n, c) for n, calls in CALLS.items() for c in calls])
def test_each_matrix_of_a_stack(name, call):
    fun = lambda *xs: parts(call(getattr(linalg, name), *xs))
    try:
        expected = parts(call(getattr(sl, name)))
    except ValueError:
        pytest.skip("this SciPy takes no stack here")
    values, pull = vjp(fun, *call.__defaults__)
    for ours, theirs in zip(values, expected, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)  # LAPACK's own rounding, conditions of 1e2
    assert [g.shape for g in pull(values)] == [np.shape(x) for x in call.__defaults__]
    check_grads(fun, order=1)(*call.__defaults__)


@pytest.mark.parametrize("b", [B, V], ids=["columns", "vector"])
def test_factors_of_stacks_solve_stacks(b):
    values = vjp(
        lambda x, b: [linalg.cho_solve(linalg.cho_factor(x), b), linalg.lu_solve(linalg.lu_factor(x), b)], P, b
    )[0]
    for x in values:
        np.testing.assert_allclose(x, sl.solve(P, b), rtol=1e-9)
    check_grads(lambda x, b: linalg.cho_solve(linalg.cho_factor(x), b), order=1)(P, b)
    check_grads(lambda x, b: linalg.lu_solve(linalg.lu_factor(x), b), order=1)(P, b)


def test_no_matrices_are_refused_as_by_scipy():
    with pytest.raises(ValueError, match="qr: a stack of no matrices"):
        vjp(lambda x: linalg.qr(x)[1], np.zeros((0, 3, 3)))


LISTS = {
    "expm": lambda t: linalg.expm([[t, 1.0], [0.0, 2.0]]),
    "inv": lambda t: linalg.inv([[t, 1.0], [0.0, 2.0]]),
    "lu_solve": lambda t: linalg.lu_solve(linalg.lu_factor([[t, 1.0], [0.5, 2.0]]), [1.0, t]),
    "lu_solve of a list": lambda t: linalg.lu_solve(linalg.lu_factor(t * np.eye(2)), [1.0, 2.0]),
    "solve": lambda t: linalg.solve([[2.0, 1.0], [0.0, 2.0]], [t, 2.0]),
    "solve_banded": lambda t: linalg.solve_banded((1, 1), [[0.0, 1.0], [t, 3.0], [0.0, 0.0]], [3.0, 3.0]),
    "solve_triangular": lambda t: linalg.solve_triangular([[t, 1.0], [0.0, 2.0]], [1.0, 2.0]),
    "toeplitz": lambda t: linalg.toeplitz([t, 1.0]),
}


@pytest.mark.parametrize("fun", LISTS.values(), ids=LISTS)
def test_lists_of_traced_numbers(fun):
    check_grads(fun, order=1)(1.5)
