"""Eigenvalues and eigenvectors with SciPy's options: subsets, generalized problems. The rules are NumPy's.

The sign, or phase, of a vector is LAPACK's to choose. That of a traced matrix is the choice of the driver "evd", which
does not jump where the matrix moves a little; SciPy's default, "evr", may choose another for a plain one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from ddtrain.autodiff import value_of
from ddtrain.errors import DerivativeError
from ddtrain.numpy.linalg import eigenvalues, factorizations, hermitian_eigenvalues, solves
from ddtrain.numpy.linalg.matrices import H, matrix, mirror
from ddtrain.scipy.fallback import refuse_options, scipys_unless_traced
from ddtrain.scipy.linalg.stacks import over_stacks
from ddtrain.scipy.linalg.triangular import solve_triangular


def _to_standard(a: Any, b: Any, lower: bool, kind: int) -> tuple[Any, Any]:
    """The Hermitian matrix with the eigenvalues of the generalized problem, and the factor L of ``b = L @ H(L)``."""
    factor = factorizations.cholesky(mirror(b if lower else H(b)))
    if kind == 1:
        inner = solve_triangular(factor, H(solve_triangular(factor, a, lower=True)), lower=True)
    else:
        inner = H(factor) @ a @ factor
    return 0.5 * (inner + H(inner)), factor


def _chosen(w: Any, by_index: Any, by_value: Any) -> Any:
    """Which of the ascending eigenvalues are asked for."""
    if by_index is not None and by_value is not None:
        raise ValueError("eigh: subset_by_index and subset_by_value are both given; choose one")
    if by_index is not None:
        return slice(by_index[0], by_index[1] + 1)
    low, high = (-np.inf, np.inf) if by_value is None else by_value
    return np.flatnonzero((value_of(w) > low) & (value_of(w) <= high))


@scipys_unless_traced(sl.eigh)
@over_stacks(a=2, b=2)
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,  # SciPy has named it so
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: str | None = None,
) -> Any:
    """Eigenvalues w in ascending order, and eigenvectors v as columns, of a Hermitian matrix.

    Parameters
    ----------
    a : of which one triangle is read, the lower one unless ``lower`` is False; the derivative is with respect to it
    b : positive definite, read likewise. Solved is a v = w b v for ``type`` 1, a b v = w v for 2, b a v = w v for 3
    eigvals_only : return w alone
    subset_by_index, subset_by_value : [first, last] position, or (low, high], of the eigenvalues to return
    overwrite_a, overwrite_b, check_finite, driver : of SciPy's; how plain arrays are computed

    Raises
    ------
    DerivativeError : a derivative of the vectors of two eigenvalues that coincide; names the pair

    >>> eigh(np.array([[2.0, 0.0], [0.0, 1.0]]), subset_by_index=[1, 1])[0]
    array([2.])
    """
    if type not in (1, 2, 3):
        raise DerivativeError(f"eigh: type={type!r} is none of 1, 2, 3")
    a, factor = matrix(a), None
    if b is not None:
        a, factor = _to_standard(mirror(a if lower else H(a)), matrix(b), lower, type)
        lower = True
    if eigvals_only:
        w = hermitian_eigenvalues.eigvalsh(a, "L" if lower else "U")
        return w[_chosen(w, subset_by_index, subset_by_value)]
    w, v = hermitian_eigenvalues.eigh(a, "L" if lower else "U")
    if factor is not None:
        v = factor @ v if type == 3 else solve_triangular(factor, v, trans="C", lower=True)
    chosen = _chosen(w, subset_by_index, subset_by_value)
    return w[chosen], v[:, chosen]


@scipys_unless_traced(sl.eigvalsh)
def eigvalsh(a: Any, b: Any = None, **options: Any) -> Any:
    """The eigenvalues of a Hermitian matrix in ascending order; the options are those of :func:`eigh`.

    >>> eigvalsh(np.array([[2.0, 0.0], [0.0, 1.0]]))
    array([1., 2.])
    """
    return eigh(a, b, eigvals_only=True, **options)


def _to_general(a: Any, b: Any) -> Any:
    return matrix(a) if b is None else solves.solve(b, a)


@scipys_unless_traced(sl.eig)
@over_stacks(a=2, b=2)
def eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Complex eigenvalues, and eigenvectors of length 1 as columns unless ``right`` is False, of any square matrix.

    Parameters
    ----------
    b : invertible: the problem is a v = w b v
    left, homogeneous_eigvals : of SciPy's; refused where traced
    """
    refuse_options("eig", left=left, homogeneous_eigvals=homogeneous_eigvals)
    if not right:
        return eigvals(a, b)
    w, v = eigenvalues.eig(_to_general(a, b))
    return w + 0j, v


@scipys_unless_traced(sl.eigvals)
@over_stacks(a=2, b=2)
def eigvals(
    a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False
) -> Any:
    """The complex eigenvalues of any square matrix; see :func:`eig`."""
    refuse_options("eigvals", homogeneous_eigvals=homogeneous_eigvals)
    return eigenvalues.eigvals(_to_general(a, b)) + 0j
