"""Linear algebra beyond single rules: NumPy's values, phases, repeated eigenvalues, and what is refused."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, hessian, jvp, vjp
from ddtrain.errors import DerivativeError

rng = onp.random.default_rng(3)
M, W = rng.standard_normal((4, 3)), rng.standard_normal((3, 3))
S, R = W @ W.T + onp.diag([1.0, 2.0, 4.0]), W + 3 * onp.eye(3)
C = rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3))
TALL, HERMITIAN = rng.standard_normal((4, 3)) + 1j * rng.standard_normal((4, 3)), C + C.conj().T
BATCH = rng.standard_normal((2, 4, 3))
# name -> calls; each is given to NumPy and to us, and differentiated to second order in its first argument
CALLS = {
    "cholesky": [(S,), (onp.stack([S, 2 * S]),), (C @ C.conj().T + onp.eye(3),)],
    "cond": [(R,), (R, 1), (R, "fro"), (R, -2), (onp.stack([R, S]), onp.inf), (M,)],
    "cross": [(W, R)],
    "det": [(R,), (C,), (onp.stack([R, S]),)],
    "diagonal": [(BATCH,)],
    "eigvals": [(R,), (C,), (onp.array([[0.0, 2.0], [-1.0, 0.5]]),)],
    "eigvalsh": [(S,), (HERMITIAN,), (HERMITIAN, "U"), (W, "U"), (onp.stack([S, W]),)],
    "inv": [(R,), (C,)],
    "lstsq": [(M, M[:, 0] ** 2), (M, BATCH[0]), (M.T, W), (R, W), (TALL, TALL[:, 0] ** 2)],
    "matrix_norm": [(BATCH,)],
    "matrix_power": [(R, 0), (R, 1), (R, 5), (R, -3), (onp.stack([R, S]), 2)],
    "matrix_transpose": [(BATCH,)],
    "multi_dot": [([M, M.T, M, S],), ([M[0], M.T, M[:, 0]],)],
    "norm": [
        *[(BATCH[0, 0], p) for p in (None, 2, 1, 3, 0, -1, 0.5, onp.inf, -onp.inf)],
        *[(M, p) for p in (None, "fro", "nuc", 1, -1, 2, -2, onp.inf, -onp.inf)],
        *[(BATCH, p, (0, 2), True) for p in (None, "nuc", 1, 2)],
        *[(BATCH, p, (2, 0)) for p in (1, onp.inf)],
        (BATCH, None, 1),
        (BATCH,),
        (C, "nuc"),
        (C, 2),
    ],
    "pinv": [(M,), (M.T,), (R,), (BATCH,), (TALL,)],
    "qr": [(M,), (M.T,), (R, "complete"), (M, "r"), (BATCH,), (TALL,), (C[:2],)],
    "slogdet": [(R,), (-R,), (C,), (onp.stack([C, 2j * C]),)],
    "solve": [(R, W), (R, W[0]), (C, W), (onp.stack([R, S]), W[0])],
    "svdvals": [(M,), (BATCH,), (TALL,)],
    "tensorinv": [(rng.standard_normal((4, 2, 2)), 1), (rng.standard_normal((2, 3, 6)), 2)],
    "tensorsolve": [(rng.standard_normal((2, 3, 6)), M[:2]), (rng.standard_normal((6, 2, 3)), M[:2], (0,))],
    "trace": [(BATCH,)],
    "vecdot": [(BATCH, M), (C, W)],
    "vector_norm": [(BATCH,), (TALL,)],
}
PARAMS = [pytest.param(name, args, id=f"{name}-{k}") for name, calls in CALLS.items() for k, args in enumerate(calls)]


def parts(result):
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize(("name", "args"), PARAMS)
def test_values_and_derivatives(name, args):
    fun = getattr(np.linalg, name)
    traced, _ = vjp(lambda x: parts(fun(x, *args[1:])), args[0])  # nothing traced: NumPy's own
    for ours, theirs in zip(traced, parts(getattr(onp.linalg, name)(*args))):
        assert onp.shape(ours) == onp.shape(theirs)
        onp.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    check_grads(lambda x: parts(fun(x, *args[1:])))(args[0])


def test_keywords_are_numpys():
    onp.testing.assert_allclose(np.linalg.cholesky(S, upper=True), onp.linalg.cholesky(S, upper=True))
    onp.testing.assert_allclose(np.linalg.vector_norm(BATCH, axis=(0, 2)), onp.linalg.vector_norm(BATCH, axis=(0, 2)))
    kept = {"keepdims": True}
    onp.testing.assert_allclose(np.linalg.vector_norm(BATCH, **kept), onp.linalg.vector_norm(BATCH, **kept))
    onp.testing.assert_allclose(
        np.linalg.matrix_norm(BATCH, ord=2, **kept), onp.linalg.matrix_norm(BATCH, ord=2, **kept)
    )
    onp.testing.assert_allclose(np.linalg.svd(BATCH, compute_uv=False), onp.linalg.svd(BATCH, compute_uv=False))
    assert [p.shape for p in np.linalg.svd(M)] == [p.shape for p in onp.linalg.svd(M)]
    assert [p.shape for p in np.linalg.qr(M, "raw")] == [p.shape for p in onp.linalg.qr(M, "raw")]
    for ours, theirs in zip(np.linalg.svd(HERMITIAN, hermitian=True), onp.linalg.svd(HERMITIAN, hermitian=True)):
        onp.testing.assert_allclose(ours, theirs)
    onp.testing.assert_allclose(np.linalg.solve([[2, 0], [0, 4]], [1, 1]), [0.5, 0.25])


# functions of a decomposition that do not depend on the free phases, and what they equal
INVARIANT = {
    "eigh": lambda x: (lambda w, v: (w, v * w**3 @ v.conj().T, np.abs(v)))(*np.linalg.eigh(x)),
    "eigh of the upper": lambda x: (lambda w, v: (w, v[:, :1] @ v[:, :1].conj().T))(*np.linalg.eigh(x, "U")),
    "eig": lambda x: (lambda w, v: (w, v * w**2 @ np.linalg.inv(v), np.abs(v)))(*np.linalg.eig(x)),
    "svd": lambda x: (lambda u, s, vh: (s, u * s**2 @ vh, np.abs(u), np.abs(vh)))(*np.linalg.svd(x, False)),
    "svd of hermitian": lambda x: (lambda u, s, vh: (u * s @ vh, s))(*np.linalg.svd(x + x.conj().T, hermitian=True)),
}


@pytest.mark.parametrize("name", INVARIANT)
@pytest.mark.parametrize("x", [C, C.real, onp.array([[1.0, 5.0], [-2.0, 0.5]])], ids=["complex", "real", "rotation"])
def test_functions_free_of_phases(name, x):
    check_grads(INVARIANT[name])(x)


def test_a_matrix_put_together_again_has_the_identity_for_derivative():
    rebuilt = {
        "eigh": lambda x: (lambda w, v: v * w @ v.T)(*np.linalg.eigh(x)),
        "svd": lambda x: (lambda u, s, vh: u * s @ vh)(*np.linalg.svd(x)),
        "qr": lambda x: (lambda q, r: q @ r)(*np.linalg.qr(x)),
        "cholesky": lambda x: (lambda l: l @ l.T)(np.linalg.cholesky(x)),
        "pinv": lambda x: np.linalg.pinv(np.linalg.pinv(x)),
    }
    direction = W + W.T
    for name, fun in rebuilt.items():
        onp.testing.assert_allclose(jvp(fun, (S,), (direction,))[1], direction, rtol=1e-11, atol=1e-11, err_msg=name)


REPEATED = onp.diag([1.0, 2.0, 2.0])
CANCELLING = {  # the cotangents of the vectors cancel, though the derivative does depend on them
    "eig": lambda x: (lambda w, v: v * w**2 @ np.linalg.inv(v))(*np.linalg.eig(x)),
    "eigh": lambda x: (lambda w, v: v * w**2 @ np.linalg.inv(v))(*np.linalg.eigh(x)),
    "svd": lambda x: (lambda u, s, vh: u * s @ vh)(*np.linalg.svd(x)),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_vectors_that_cancel_are_refused_all_the_same(name):
    for x in (onp.eye(3), REPEATED):
        with pytest.raises(DerivativeError, match="coincide"):
            grad(lambda x: np.sum(CANCELLING[name](x) * S))(x)


@pytest.mark.parametrize("fun", [np.linalg.eigvalsh, np.linalg.eigvals, np.linalg.svdvals])
def test_second_derivatives_at_repeated_values_are_refused(fun):
    with pytest.raises(DerivativeError, match="coincide"):
        hessian(lambda x: np.sum(fun(x) ** 2).real)(onp.eye(2))


@pytest.mark.parametrize(
    ("fun", "x", "message"),
    [
        (lambda x: np.linalg.eigh(x)[1][1], REPEATED, "eigh: eigenvalue 1 and 2 coincide"),
        (lambda x: np.linalg.eigh(onp.ones((2, 1, 1)) * x)[1][1, 1], REPEATED, "eigenvalue 1 and 2 of matrix "),
        (lambda x: np.linalg.eig(x)[1], REPEATED + 1e-30, "eig: eigenvalue 1 and 2 coincide"),
        (lambda x: np.linalg.eig(x)[0], onp.array([[1.0, 1.0], [0.0, 1.0]]), "not enough eigenvectors"),
        (lambda x: np.linalg.svd(x)[0], onp.eye(2), "svd: singular value 0 and 1 coincide"),
        (lambda x: np.linalg.svd(x, False)[0], onp.eye(3)[:, :2] * [1, 0], "svd: singular value 1 is zero"),
        (lambda x: np.linalg.svd(x, False)[0], onp.outer(M[0], [1.0, 2.0]), "svd: singular value 1 is zero"),
        (lambda x: np.linalg.svd(x)[0], M, "full_matrices=False"),
        (lambda x: np.linalg.qr(x, "complete")[0], M, "mode='reduced'"),
        (lambda x: np.linalg.qr(x)[0], onp.ones((3, 2)), "column 1 depends on those before it"),
        (lambda x: np.linalg.pinv(x), onp.ones((3, 2)), "has not full rank"),
        (lambda x: np.linalg.lstsq(x, onp.ones(3))[0], onp.ones((3, 2)), "has not full rank"),
    ],
)
def test_what_has_no_derivative_is_refused_in_both_modes(fun, x, message):
    weights = rng.standard_normal(onp.shape(fun(x)))
    weighed = lambda x: np.sum(fun(x) * weights).real
    with pytest.raises(DerivativeError, match=message):
        grad(weighed)(x)
    with pytest.raises(DerivativeError, match=message):
        jvp(weighed, (x,), (rng.standard_normal(x.shape),))
