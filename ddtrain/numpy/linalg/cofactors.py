"""The cofactors of a matrix: the derivative of its determinant, which exists at a singular matrix, too.

Note [Cofactors]
At a regular matrix they are det(x) inv(x)^T. At any, with x = U diag(s) V^H, they are det(U) det(V^H) conj(U) P V^T,
where the diagonal matrix P holds for each singular value the product of the others: nothing is divided. Turned by U
and V, a change E of x changes them, entry by entry, by the products of all but two values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import BOXES, defjvp, defvjp, primitive, value_of
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.errors import DerivativeError
from ddtrain.numpy.along_axes.reductions import sum
from ddtrain.numpy.linalg.matrices import T, per_matrix, square
from ddtrain.numpy.linalg.solves import inv


def product_with_inverse(x: Any, g: Any) -> Any:
    """tr(inv(x) g)."""
    return sum(T(inv(x)) * g, (-2, -1))


def _products_of_others(s: Any) -> Any:
    """For each number of a vector the product of the others: of those before it, and of those after it."""
    one = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([one, s[..., :0:-1]], -1), -1)[..., ::-1]
    return before * after


def _products_of_all_but_two(s: Any) -> Any:
    """[..., i, j]: the product of all numbers but two of them, and 0 on the diagonal."""
    rows = []
    for i in range(s.shape[-1]):
        rest = s.copy()
        rest[..., i] = 1
        row = _products_of_others(rest)
        row[..., i] = 0
        rows.append(row)
    return np.stack(rows, -2)


def _turned(u: Any, middle: Any, vh: Any) -> Any:
    """The cofactors of u x vh, given those of x: the cofactors of a unitary matrix are det(u) conj(u)."""
    return (np.linalg.det(u) * np.linalg.det(vh))[..., None, None] * (u.conj() @ middle @ vh.conj())


def _cofactors(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x)
    return _turned(u, _products_of_others(s)[..., None] * np.eye(s.shape[-1], dtype=s.dtype), vh)


def _change(g: Any, x: Any) -> Any:
    u, s, vh = np.linalg.svd(x)
    pairs = _products_of_all_but_two(s)
    e = u.conj().swapaxes(-1, -2) @ g @ vh.conj().swapaxes(-1, -2)
    along = np.sum(pairs * np.diagonal(e, 0, -2, -1)[..., None, :], -1)
    return _turned(u, along[..., None] * np.eye(s.shape[-1], dtype=s.dtype) - pairs * e.swapaxes(-1, -2), vh)


def _changes(r: Sampler) -> list[Case]:
    return [case(r(*c.args[0].shape), c.args[0] * keep, argnums=(0,)) for c in square(r) for keep in (1, 0)]


cofactor_change = primitive(_change, name="cofactor_change", examples=_changes)  # linear in g, and symmetric
defvjp(cofactor_change, lambda h, ans, g, x: cofactor_change(h, x))
defjvp(cofactor_change, lambda h, ans, g, x: cofactor_change(h, x))


def _changed(g: Any, ans: Any, x: Any) -> Any:
    """The change of the cofactors with ``x``, in a form that differentiates further where there is one."""
    if not np.linalg.det(value_of(x)).all():
        if type(x) in BOXES:
            raise DerivativeError(
                "det: the third derivative at a singular matrix has no rule",
                remedy="Perturb the matrix, or stop at the second.",
            )
        return cofactor_change(g, x)
    return per_matrix(product_with_inverse(x, g)) * ans - ans @ T(g) @ T(inv(x))


cofactors = primitive(_cofactors, name="cofactors", examples=square)
defvjp(cofactors, _changed)  # the second derivative of the determinant is symmetric
defjvp(cofactors, _changed)
