"""``fixed_point``: the solution of x = f(a)(x) by iteration, differentiated without tracing the iterations.

Differentiating both sides gives dx = A dx + B da, with A and B the Jacobians of f(a)(x) by x and by a. So the tangent
of a fixed point is the fixed point of t -> A t + B da, and its cotangent g becomes u B, with u the fixed point of
u -> g + u A: both are found by this very function, which is why they can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import BOXES, value_of
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.autodiff.core.outputs import Outputs, pack, unpack
from ddtrain.autodiff.core.primitives import primitive
from ddtrain.autodiff.core.rules import defjvp_rest
from ddtrain.autodiff.operators.argnums import as_array, called
from ddtrain.autodiff.operators.vjp_jvp import jvp, vjp
from ddtrain.errors import DdtrainError, DerivativeError

MAX_STEPS = 100_000  # enough where an error shrinks by only 0.9999 a step: 0.9999 ** 100_000 is 5e-5


def fixed_point(
    f: Callable[[Any], Callable[[Any], Any]], a: Any, x0: Any, distance: Callable[[Any, Any], Any], tol: float
) -> Any:
    """The x with x = f(a)(x), found by repeating from ``x0`` until ``distance(previous x, x) <= tol``.

    Parameters
    ----------
    f : takes ``a`` to a map of x, contracting near the solution; ``a`` and x are structures of arrays
    a : what x depends on and is differentiated by
    x0 : where to start; its derivative is zero
    distance : ``distance(x, y)``, a real number; also measures the convergence of derivatives
    tol : the iteration stops when the distance of two steps is at most this

    Raises
    ------
    DdtrainError : the distance became infinite or NaN, or did not come below ``tol``
    DerivativeError : ``f`` uses a traced value that is not part of ``a``

    >>> from ddtrain import value_and_grad
    >>> newton = lambda a: lambda x: 0.5 * (x + a / x)
    >>> root = lambda a: fixed_point(newton, a, 1.0, lambda x, y: abs(x - y), 1e-12)
    >>> value_and_grad(root)(4.0)
    (array(2.), array(0.25))
    """
    problem = _Problem(f, a, tree.map_leaves(lambda x: np.asarray(value_of(x)), x0), distance, tol)
    return problem.rebuild_x([as_array(x) for x in unpack(solution(problem, *problem.a))])


class _Problem:
    """The map and how to solve it; ``a`` has the leaves, which may be traced."""

    def __init__(self, f: Any, a: Any, x0: Any, distance: Any, tol: float) -> None:
        self.f, self.distance, self.tol = f, distance, tol
        self.a, self.rebuild_a = tree.flatten(a)
        self.x0, self.rebuild_x = tree.flatten(x0)

    def step(self, a: Sequence[Any]) -> Callable[[Sequence[Any]], list[Any]]:
        """The map, from leaves to leaves."""
        of_x = self.f(self.rebuild_a(list(a)))
        return lambda x: tree.flatten(of_x(self.rebuild_x(list(x))))[0]

    def linear(self, f: Any, a: Any, x0: Sequence[Any]) -> Any:
        """The fixed point of a map of tangents or cotangents (as leaves), with the distance that x has."""
        return fixed_point(f, a, list(x0), lambda s, t: self.distance(self.rebuild_x(s), self.rebuild_x(t)), self.tol)


def _solve(problem: _Problem, *a: Any) -> Outputs:
    step, x = problem.step(a), problem.x0
    for _ in range(MAX_STEPS):
        before, x = x, step(x)
        distance = problem.distance(problem.rebuild_x(list(before)), problem.rebuild_x(x))
        if type(distance) in BOXES or any(type(leaf) in BOXES for leaf in x):
            raise DerivativeError(
                f"fixed_point: {called(problem.f)} uses a traced value that did not come through its argument",
                remedy="Pass everything that is differentiated as a part of a.",
            )
        if distance <= problem.tol:
            return Outputs(np.asarray(leaf) for leaf in x)
        if not np.isfinite(distance):
            break
    raise DdtrainError(
        f"fixed_point: {called(problem.f)} does not converge: its last step moved by {float(distance):.3g}, "
        f"more than tol {problem.tol:.3g}",
        remedy="Is the map a contraction near the solution? Start closer to it, or raise tol.",
    )


def _adjoint(problem: _Problem) -> Any:
    def f(a_x_g: Any) -> Any:
        a, x, g = a_x_g
        pull = vjp(problem.step(a), x)[1]
        return lambda u: [g_k + u_k for g_k, u_k in zip(g, pull(u)[0], strict=True)]

    return f


def _tangent(problem: _Problem, k: int) -> Any:
    def f(a_x_da: Any) -> Any:
        a, x, da = a_x_da
        step = problem.step(a)
        moved = jvp(lambda a_k: problem.step([*a[:k], a_k, *a[k + 1 :]])(x), (a[k],), (da,))[1]
        return lambda t: [m + s for m, s in zip(moved, jvp(step, (x,), (t,))[1], strict=True)]

    return f


def _back(argnums: Sequence[int], g: Any, ans: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    problem, a, x, gs = args[0], list(args[1:]), list(unpack(ans)), list(unpack(g))
    u = problem.linear(_adjoint(problem), (a, x, gs), gs)

    def step_of(*moved: Any) -> Any:
        full = list(a)
        for i, leaf in zip(argnums, moved, strict=True):
            full[i - 1] = leaf
        return problem.step(full)(x)

    return vjp(step_of, *[args[i] for i in argnums])[1](u)


def _forth(argnum: int) -> Any:
    def rule(g: Any, ans: Any, problem: _Problem, *a: Any) -> Any:
        x, k = list(unpack(ans)), argnum - 1
        zeros = [np.zeros(leaf.shape, leaf.dtype) for leaf in x]
        return pack(*problem.linear(_tangent(problem, k), (list(a), x, g), zeros))

    return rule


def _examples(r: Sampler) -> list[Case]:
    def half_tanh(a: Any) -> Any:
        return lambda x: [0.5 * np.tanh(x[0] * a[0]) + x[1] * 0.25, a[1] + 0.25 * x[0]]

    def distance(x: Any, y: Any) -> Any:
        return max(np.abs(p - q).max() for p, q in zip(x, y, strict=True))

    problem = _Problem(half_tanh, [None] * 2, [np.zeros(3, r.dtype)] * 2, distance, 50 * np.finfo(r.dtype).eps)
    return [case(problem, r.unit(3), r(3))]


solution = primitive(_solve, name="fixed_point", examples=_examples)
solution.joint = _back
defjvp_rest(solution, _forth)
