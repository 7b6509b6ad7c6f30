"""Matrices that the tests of ``ddtrain.scipy.linalg`` factorize, and what they hold every function of them to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff import check_grads, vjp

RNG = np.random.default_rng(0)
A = RNG.normal(size=(4, 4)) + np.diag([4.0, 3.0, 2.0, 1.0])
S = A @ A.T + np.eye(4)  # definite, eigenvalues well apart
C = A + 1j * RNG.normal(size=(4, 4))
HERMITIAN = C + C.conj().T + 9 * np.eye(4)
WEIGHT = S + np.diag([1.0, 2.0, 3.0, 4.0])
BAND = np.tril(np.triu(S, -1), 1)
VECTOR, COLUMNS = RNG.normal(size=4), RNG.normal(size=(4, 2))
SHAPES = [(4, 4), (4, 2), (2, 4), (1, 1)]


def check(fun: Callable[..., Any], *xs: Any) -> None:
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


def half(a: Any, lower: bool) -> Any:
    return np.tril(a) if lower else np.triu(a)
