"""Eigenvalues with SciPy's options: either triangle, subsets, generalized problems, signs of vectors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl
from matrices import HERMITIAN, WEIGHT, A, S, check, half

import ddtrain.numpy as dnp
from ddtrain import grad
from ddtrain.autodiff import jvp
from ddtrain.errors import DerivativeError
from ddtrain.scipy import linalg


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
