"""The largest loss in a box is what L-BFGS-B finds, and where it can be told by hand, what it is."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as onp
import pytest
from objectives import Function

import ddtrain.numpy as np
from ddtrain.autodiff import value_and_grad
from ddtrain.diagnose.curvature.sharpness import largest_in_box, sharpness
from ddtrain.errors import NonFiniteError


def test_a_quadratic_bowl_is_highest_in_a_corner() -> None:
    """At its minimum the gradient is rounding alone, at another point the corner is beyond doubt."""
    d = onp.array([1.0, 4.0, 0.5])
    x = onp.array([0.3, -0.2, 1.0])
    found = sharpness(Function(lambda x: 0.5 * (d * x) @ x), x, epsilon=0.1)
    sides = 0.1 * (onp.abs(x) + 1)
    highest = 0.5 * (d * (onp.abs(x) + sides) ** 2).sum()
    loss = 0.5 * (d * x * x).sum()
    assert found.largest == pytest.approx(highest, rel=1e-12)
    assert found.percent == pytest.approx(100 * (highest - loss) / (1 + loss), rel=1e-12)
    assert found.dimensions == 3


def test_a_maximum_inside_the_box_is_found() -> None:
    h = onp.array([[2.0, 0.8, 0.0], [0.8, 1.0, 0.3], [0.0, 0.3, 4.0]])
    top = onp.array([0.2, -0.4, 0.1])
    hill = lambda z: -0.5 * (z - top) @ h @ (z - top)
    found = largest_in_box(Function(hill), value_and_grad(hill), onp.full(3, 1.0), iterations=30)
    assert -1e-8 < found <= 0


@pytest.mark.parametrize("seed", range(4))
def test_where_some_sides_bind_it_is_the_largest_on_them(seed: int) -> None:
    """A concave quadratic has one maximum in a box; all faces are tried for it."""
    r = onp.random.default_rng(seed)
    a = r.standard_normal((4, 4))
    h, top, sides = a @ a.T + onp.eye(4), 2 * r.standard_normal(4), r.uniform(0.3, 1.5, 4)
    hill = lambda z: -0.5 * (z - top) @ h @ (z - top)
    best = -onp.inf
    for face in itertools.product((-1, 0, 1), repeat=4):  # at which sides a coordinate stands; 0: at none
        at = onp.array(face)
        free, z = at == 0, at * sides
        if free.any():
            rest = h[onp.ix_(free, ~free)] @ (z - top)[~free]
            z = z.astype(float)
            z[free] = top[free] - onp.linalg.solve(h[onp.ix_(free, free)], rest)
        if (onp.abs(z) <= sides + 1e-12).all():
            best = max(best, float(hill(z)))
    found = largest_in_box(Function(hill), value_and_grad(hill), sides, iterations=60)
    assert found == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert found <= best + 1e-12


def wavy(x: Any) -> Any:
    """Neither convex nor concave, its variables together."""
    return np.sum(np.sin(3 * x) * x) + 0.3 * np.sum(x[1:] * x[:-1]) + 2.0


def test_it_is_as_good_as_l_bfgs_b_where_scipy_is() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x = onp.linspace(-0.5, 0.7, 12)
    for epsilon in (1e-3, 1e-2, 0.1):
        sides = epsilon * (onp.abs(x) + 1)
        negative = lambda y: tuple(-part for part in value_and_grad(wavy)(y))
        theirs = optimize.minimize(
            negative, x, jac=True, method="L-BFGS-B", bounds=list(zip(x - sides, x + sides)), options={"maxiter": 10}
        )
        ours = sharpness(Function(wavy), x, epsilon)
        assert ours.largest >= -theirs.fun - 1e-7 * (1 + abs(theirs.fun))


def test_a_random_subspace_is_a_smaller_box() -> None:
    x = onp.linspace(-0.5, 0.7, 12)
    whole, part = (sharpness(Function(wavy), x, 0.01, dimensions) for dimensions in (0, 4))
    assert (whole.dimensions, part.dimensions) == (12, 4)
    assert 0 < part.percent < whole.percent
    assert sharpness(Function(wavy), x, 0.01, 4) == part, "the same seed has the same subspace"
    assert sharpness(Function(wavy), x, 0.01, 4, seed=1) != part
    # the subspace of as many dimensions as there are weights holds points that the gradient points to, too
    assert sharpness(Function(wavy), x, 0.01, 12).percent > part.percent


def test_a_box_beyond_which_nothing_is_finite_does_not_end_it() -> None:
    cliff = lambda x: np.sum(np.where(x > 1.001, np.inf, x))
    found = sharpness(Function(cliff), onp.array([1.0]), epsilon=0.01)
    assert 1.0 < found.largest <= 1.001


def test_a_loss_that_is_not_finite_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="the loss is nan"):
        sharpness(Function(lambda x: np.sum(x) * np.nan), onp.ones(2))
