"""Systems and inverses of matrices of a structure: only the entries that it names are read."""

from __future__ import annotations

import numpy as np
import pytest
from matrices import BAND, COLUMNS, HERMITIAN, VECTOR, A, C, S, check, half

from ddtrain import grad
from ddtrain.errors import DerivativeError
from ddtrain.scipy import linalg


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
