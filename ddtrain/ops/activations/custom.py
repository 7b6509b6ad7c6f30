"""Activations of one's own: any function, with its Jacobian or with its vector-Jacobian product."""

# M outputs, N inputs, both along the last axis

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, defjvp, defvjp, primitive
from ddtrain.errors import ShapeError, UsageError


def custom_activation(
    function: Callable[[Array], Array],
    *,
    jacobian: Callable[[Array], Array] | None = None,
    vjp: Callable[[Array, Array, Array], Array] | None = None,
    name: str | None = None,
) -> Callable[[Array], Array]:
    """Make ``function`` one step of a trace, whose derivative is what is given, and not that of its code.

    Parameters
    ----------
    function : of one array; it sees plain arrays, so that it may call anything
    jacobian : ``jacobian(x)`` is (..., M, N) for x (..., N) and an answer (..., M): rows by output, columns by input.
        Both modes of differentiation follow from it
    vjp : ``vjp(g, ans, x)`` is the cotangent of x, shaped like x, for g shaped like the answer; for a function of
        single entries ``lambda g, ans, x: g * slope(x)``. It gives reverse mode alone
    name : for messages; that of the function unless told

    Returns
    -------
    The function, to be differentiated as often as what was given can be: written in ``ddtrain.numpy``, to any order.

    Raises
    ------
    UsageError : both or neither of ``jacobian`` and ``vjp``
    ShapeError : when used: the Jacobian or the cotangent is of another shape

    >>> from ddtrain import grad
    >>> cube = custom_activation(lambda x: x**3, vjp=lambda g, ans, x: g * 3 * x**2, name="cube")
    >>> grad(lambda x: np.sum(cube(x)))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> cumulate = custom_activation(lambda x: np.cumsum(x, -1), jacobian=lambda x: np.tri(x.shape[-1]))
    >>> grad(lambda x: cumulate(x)[-1])(np.ones(3))
    array([1., 1., 1.])
    """
    name = str(name or getattr(function, "__name__", "custom_activation"))
    if (jacobian is None) == (vjp is None):
        given = "neither jacobian nor vjp" if vjp is None else "both jacobian and vjp"
        raise UsageError(f"custom_activation: {name} was given {given}", remedy="Give one of them.")
    prim = primitive(function, name=name)
    if vjp is not None:
        defvjp(prim, _checked(name, vjp))
        return prim
    assert jacobian is not None
    of = _jacobian_of(name, jacobian)
    defvjp(prim, lambda g, ans, x: np.matmul(g[..., None, :], of(ans, x))[..., 0, :])
    defjvp(prim, lambda g, ans, x: np.matmul(of(ans, x), g[..., None])[..., 0])
    return prim


def _checked(name: str, vjp: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    def rule(g: Any, ans: Any, x: Any) -> Any:
        dx = vjp(g, ans, x)
        if np.shape(dx) != np.shape(x):
            raise ShapeError(f"{name}: its vjp returned shape {np.shape(dx)} for x {np.shape(x)}")
        return dx

    return rule


def _jacobian_of(name: str, jacobian: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def of(ans: Any, x: Any) -> Any:
        j = jacobian(x)
        wanted = (*np.shape(ans), *np.shape(x)[-1:])
        if np.ndim(x) == 0 or np.shape(j)[-2:] != wanted[-2:] or np.ndim(j) > len(wanted):
            raise ShapeError(
                f"{name}: its jacobian has shape {np.shape(j)} for x {np.shape(x)} and an answer {np.shape(ans)}",
                remedy="It is (..., outputs, inputs), along the last axes of both.",
            )
        return j

    return of
