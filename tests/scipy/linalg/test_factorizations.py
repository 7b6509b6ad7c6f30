"""SciPy's factorizations and systems, option by option: its values under a trace, and both modes to second order."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl

import ddtrain.numpy as dnp
from ddtrain import grad, tree
from ddtrain.autodiff import check_grads, jvp, vjp
from ddtrain.errors import DerivativeError, ShapeError
from ddtrain.scipy import linalg

RNG = np.random.default_rng(0)
A = RNG.normal(size=(4, 4)) + np.diag([4.0, 3.0, 2.0, 1.0])
S = A @ A.T + np.eye(4)  # definite, eigenvalues well apart
C = A + 1j * RNG.normal(size=(4, 4))
HERMITIAN = C + C.conj().T + 9 * np.eye(4)
WEIGHT = S + np.diag([1.0, 2.0, 3.0, 4.0])
BAND = np.tril(np.triu(S, -1), 1)
VECTOR, COLUMNS = RNG.normal(size=4), RNG.normal(size=(4, 2))
SHAPES = [(4, 4), (4, 2), (2, 4), (1, 1)]


def check(fun, *xs):
    """What a trace sees is what SciPy answers on plain arrays, and it has derivatives."""
    plain, traced = (tree.flatten(out)[0] for out in (fun(*xs), vjp(fun, *xs)[0]))
    for p, t in zip(plain, traced, strict=True):
        if p is None:
            assert t is None
            continue
        assert np.shape(p) == np.shape(t)
        np.testing.assert_allclose(t, p, rtol=1e-9, atol=1e-11)
        assert np.asarray(p).dtype.kind == np.asarray(t).dtype.kind
    check_grads(fun)(*xs)


def half(a, lower):
    return np.tril(a) if lower else np.triu(a)


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize(
    ("assume_a", "a"),
    [
        (None, A),
        ("gen", A),
        ("general", C),
        ("diagonal", np.diag(np.diag(S))),
        ("tridiagonal", BAND),
        ("banded", BAND),
        ("upper triangular", np.triu(A)),
        ("lower triangular", np.tril(A)),
        ("sym", S),
        ("symmetric", C + C.T),
        ("her", HERMITIAN),
        ("hermitian", S),
        ("pos", S),
        ("positive definite", HERMITIAN),
    ],
)
def test_solve_reads_what_it_is_told(assume_a, a, lower):
    if assume_a in ("sym", "symmetric", "her", "hermitian", "pos", "positive definite"):
        a = half(a, lower)  # the other triangle is not read
    for b in (VECTOR, COLUMNS):
        check(lambda a, b: linalg.solve(a, b, lower, assume_a=assume_a), a, b)


@pytest.mark.parametrize(("assume_a", "a"), [(None, C), ("gen", A), ("sym", S), ("pos", S), ("her", HERMITIAN)])
def test_inv(assume_a, a):
    for lower in (False, True):
        read = half(a, lower) if assume_a in ("sym", "pos", "her") else a
        check(lambda a, lower=lower: linalg.inv(a, assume_a=assume_a, lower=lower), read)


def test_a_transposed_system_and_what_solve_refuses():
    check(lambda a, b: linalg.solve(a, b, transposed=True), A, VECTOR)
    with pytest.raises(NotImplementedError, match="transposed=True for complex"):
        grad(lambda b: linalg.solve(C, b, transposed=True).real.sum())(VECTOR)
    with pytest.raises(DerivativeError, match=r"solve: assume_a='toeplitz'.*\n.*general"):
        grad(lambda b: linalg.solve(A, b, assume_a="toeplitz").sum())(VECTOR)


def without_phase(pair):
    return pair[0], dnp.abs(pair[1])


@pytest.mark.parametrize("lower", [False, True])
def test_eigh(lower):
    check(lambda a: without_phase(linalg.eigh(a, lower=lower)), half(S, lower))
    check(lambda a: linalg.eigvalsh(a, lower=lower), half(HERMITIAN, lower))
    for kind in (1, 2, 3):
        check(
            lambda a, b, kind=kind: without_phase(linalg.eigh(a, b, lower=lower, type=kind)),
            *(half(S, lower), half(WEIGHT, lower)),
        )
        check(lambda a, b, kind=kind: linalg.eigvalsh(a, b, lower=lower, type=kind, subset_by_index=[1, 2]), S, WEIGHT)


def test_subsets_of_eigenvalues():
    w = sl.eigvalsh(S)
    bounds = [w[0], w[2] + 0.01]  # open below, closed above
    assert linalg.eigh(S, subset_by_value=[w[0] + 0.01, w[2] + 0.01])[0].shape == (2,)
    check(lambda a: without_phase(linalg.eigh(a, subset_by_index=[1, 2])), S)
    check(lambda a: without_phase(linalg.eigh(a, subset_by_value=[w[0] + 0.01, w[2] + 0.01])), S)
    check(lambda a: linalg.eigh(a, eigvals_only=True, subset_by_value=[-np.inf, bounds[1]]), S)
    with pytest.raises(ValueError, match="both given"):
        grad(lambda a: linalg.eigvalsh(a, subset_by_index=[0, 1], subset_by_value=bounds).sum())(S)
    with pytest.raises(DerivativeError, match="type=4"):
        grad(lambda a: linalg.eigvalsh(a, type=4).sum())(S)


def test_the_signs_of_eigenvectors_are_those_of_a_driver():
    expected = sl.eigh(S, driver="evd")[1]
    np.testing.assert_allclose(jvp(lambda a: linalg.eigh(a)[1], (S,), (S,))[0], expected, rtol=1e-9)


def test_repeated_eigenvalues_are_named():
    with pytest.raises(DerivativeError, match="eigh: eigenvalue 0 and 1 coincide"):
        grad(lambda a: linalg.eigh(a)[1].sum())(np.eye(2))
    np.testing.assert_array_equal(grad(lambda a: linalg.eigvalsh(a).sum())(np.eye(2)), np.eye(2))


def test_eigenvalues_of_any_matrix():
    check(lambda a: without_phase(linalg.eig(a)), A)
    check(linalg.eigvals, A)
    check(lambda a, b: dnp.sort(linalg.eig(a, b, right=False).real), S, WEIGHT)
    with pytest.raises(DerivativeError, match=r"eig: left=True.*\n.*Leave left out"):
        grad(lambda a: linalg.eig(a, left=True)[0].real.sum())(A)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("options", [{}, {"permute_l": True}, {"p_indices": True}])
def test_lu(shape, options):
    check(lambda a: linalg.lu(a, **options), RNG.normal(size=shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_lu_factor(shape):
    check(linalg.lu_factor, RNG.normal(size=shape))


@pytest.mark.parametrize("trans", [0, 1, 2])
@pytest.mark.parametrize("a", [A[::-1], C[::-1]], ids=["real", "complex"])  # rows that pivoting moves
def test_lu_solve(a, trans):
    for b in (VECTOR, COLUMNS):
        check(lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b, trans), a, b)
        check(lambda b: linalg.lu_solve(sl.lu_factor(a), b, trans), b)


def test_what_lu_refuses():
    with pytest.raises(DerivativeError, match="lu: pivot 1 is zero"):
        grad(lambda a: linalg.lu(a)[2].sum())(np.ones((2, 2)))
    with pytest.raises(DerivativeError, match="lu_solve: trans=3"):
        grad(lambda b: linalg.lu_solve(sl.lu_factor(A), b, 3).sum())(VECTOR)
    with pytest.raises(ShapeError, match=r"shape \(4, 4\) do not go with b of shape \(2,\)"):
        grad(lambda b: linalg.lu_solve(sl.lu_factor(A), b).sum())(VECTOR[:2])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pivoting", [False, True])
def test_qr(shape, pivoting):
    a = RNG.normal(size=shape)
    check(lambda a: linalg.qr(a, mode="economic", pivoting=pivoting), a)
    check(lambda a: linalg.qr(a, mode="r", pivoting=pivoting), a)
    if shape[0] <= shape[1]:
        check(lambda a: linalg.qr(a, pivoting=pivoting), a)
    else:
        with pytest.raises(DerivativeError, match=r"complete basis Q.*\n.*economic"):
            grad(lambda a: linalg.qr(a)[0].sum())(a)
    with pytest.raises(DerivativeError, match="qr: mode='raw'"):
        grad(lambda a: linalg.qr(a, mode="raw")[1].sum())(a)


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_and_what_is_made_of_them(shape):
    a = RNG.normal(size=shape)
    check(lambda a: linalg.svd(a, full_matrices=False), a)
    check(lambda a: linalg.svd(a, compute_uv=False), a)
    check(linalg.svdvals, a)
    check(lambda a: linalg.pinv(a, return_rank=True), a)
    check(lambda a: linalg.pinv(a, atol=1e-12, rtol=1e-13), a)
    for b in (VECTOR[: shape[0]], COLUMNS[: shape[0]]):
        check(linalg.lstsq, a, b)
    assert vjp(lambda a: linalg.lstsq(a, a[:, 0], lapack_driver="gelsy"), a)[0][3] is None


def test_numbers_of_a_matrix():
    check(linalg.det, A)
    check(linalg.norm, A)
    check(lambda a: linalg.norm(a, 1, axis=0, keepdims=True), A)


@pytest.mark.parametrize("lower", [False, True])
def test_cholesky_reads_one_triangle(lower):
    for a in (S, HERMITIAN):
        check(lambda a: linalg.cholesky(a, lower), half(a, lower))
        check(lambda a, b: linalg.cho_solve(linalg.cho_factor(a, lower), b), half(a, lower), VECTOR)


def test_single_precision_stays():
    a = S.astype(np.float32)
    for fun in (linalg.inv, linalg.det, linalg.pinv, linalg.eigvalsh, linalg.cholesky, lambda a: linalg.lu(a)[1]):
        value, pull = vjp(fun, a)
        assert value.dtype == np.float32
        assert pull(np.ones_like(value))[0].dtype == np.float32
