"""Functions of a matrix: expm, logm, the trigonometric ones, sqrtm; and the Sylvester equation behind sqrtm.

Note [Block triangle]
For analytic f the derivative of f(A) along E is the upper right block of f([[A, E], [0, A]]) (Mathias, SIAM J. Matrix
Anal. Appl. 17, 1996). Its transpose is the derivative at the transpose of A. So a function of matrices that has a
value has derivatives of every order, whatever its eigenvalues.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from ddtrain.autodiff import Primitive, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import concatenate, zeros_like
from ddtrain.numpy import matrix_transpose as T


def along(function: Callable[[Any], Any], a: Any, e: Any) -> Any:
    """The derivative of ``function`` at ``a`` along ``e``, see Note [Block triangle]."""
    n = a.shape[-1]
    block = concatenate([concatenate([a, e], -1), concatenate([zeros_like(a), a], -1)], -2)
    return function(block)[..., :n, n:]


def _square(r: Sampler) -> list[Case]:
    return [case(0.5 * r(3, 3)), case(r(1, 1))]


def _definite(r: Sampler) -> list[Case]:
    """Eigenvalues far from the negative axis, where logarithm and root have their cut."""
    return [case(0.3 * r(3, 3) + 2 * np.eye(3, dtype=r.dtype)), case(0.1 * r(1, 1) + 1)]


def _doubled(raw: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``raw`` computed in double precision, and rounded to single if its argument is; complex if it came out so."""

    def of_matrix(a: Any) -> Any:
        a = np.asarray(a)
        value = raw(a.astype(np.complex128 if a.dtype.kind == "c" else np.float64, copy=False))
        single = a.dtype in (np.float32, np.complex64)
        return value.astype(np.complex64 if value.dtype.kind == "c" else np.float32) if single else value

    return of_matrix


def _function(raw: Callable[[Any], Any], name: str, examples: Any) -> Primitive:
    prim = primitive(_doubled(raw), name=name, examples=examples)
    defvjp(prim, lambda g, ans, a: along(prim, T(a), g))
    defjvp(prim, lambda g, ans, a: along(prim, a, g))
    return prim


expm = _function(sl.expm, "expm", _square)
logm = _function(sl.logm, "logm", _definite)
sinm = _function(sl.sinm, "sinm", _square)
cosm = _function(sl.cosm, "cosm", _square)
tanm = _function(sl.tanm, "tanm", lambda r: [case(0.3 * r(3, 3))])
sinhm = _function(sl.sinhm, "sinhm", _square)
coshm = _function(sl.coshm, "coshm", _square)
tanhm = _function(sl.tanhm, "tanhm", lambda r: [case(0.3 * r(3, 3))])


def _solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    return sl.solve_sylvester(a, b, q)


# the examples' a and -b share no eigenvalue, so the solution is unique
solve_sylvester = primitive(
    _solve_sylvester,
    name="solve_sylvester",
    examples=lambda r: [case(r(3, 3) + 4 * np.eye(3, dtype=r.dtype), r(2, 2) + 4 * np.eye(2, dtype=r.dtype), r(3, 2))],
)
defvjp(  # the rules in terms of h = solve_sylvester(a', b', g), where g is the cotangent of q
    solve_sylvester,
    lambda g, ans, a, b, q: -(solve_sylvester(T(a), T(b), g) @ T(ans)),
    lambda g, ans, a, b, q: -(T(ans) @ solve_sylvester(T(a), T(b), g)),
    lambda g, ans, a, b, q: solve_sylvester(T(a), T(b), g),
)
defjvp(
    solve_sylvester,
    lambda g, ans, a, b, q: -solve_sylvester(a, b, g @ ans),
    lambda g, ans, a, b, q: -solve_sylvester(a, b, ans @ g),
    lambda g, ans, a, b, q: solve_sylvester(a, b, g),
)

# the root r of r r = a: its differential solves r dr + dr r = da
sqrtm = primitive(_doubled(sl.sqrtm), name="sqrtm", examples=_definite)
defvjp(sqrtm, lambda g, ans, a: solve_sylvester(T(ans), T(ans), g))
defjvp(sqrtm, lambda g, ans, a: solve_sylvester(ans, ans, g))
