"""Gauss-Newton and Levenberg-Marquardt: on least squares with known solutions, against the formulas with a matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest
from objectives import Function, minimize

import ddtrain.numpy as np
from ddtrain.autodiff import jacobian
from ddtrain.optim import GaussNewton, LevenbergMarquardt

half_squares = lambda r: 0.5 * np.sum(r * r)
TIMES = onp.linspace(0.0, 2.0, 9)


def valley(x: Any) -> Any:
    """Rosenbrock's function as residuals."""
    return np.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def decay(x: Any) -> Any:
    """The residuals of a fit of 3 exp(-1.5 t)."""
    return x[0] * np.exp(x[1] * TIMES) - 3 * onp.exp(-1.5 * TIMES)


# With at most as many iterations as parameters, and no tolerance, conjugate gradients solve exactly.
EXACT = 1e-14
VARIANTS = [
    LevenbergMarquardt(adaptation=adaptation, scaling=scaling, tolerance=EXACT)  # type: ignore[arg-type]
    for adaptation in ("nielsen", "marquardt")
    for scaling in ("identity", "diagonal")
]


@pytest.mark.parametrize("method", [GaussNewton(), LevenbergMarquardt(), *VARIANTS], ids=repr)
@pytest.mark.parametrize(
    ("residuals", "start", "solution"), [(valley, (-1.2, 1.0), (1.0, 1.0)), (decay, (1.0, 0.5), (3.0, -1.5))]
)
def test_nonlinear_least_squares_are_solved_in_few_steps(
    method: Any, residuals: Any, start: Any, solution: Any
) -> None:
    """In 40 steps, where line searches by gradients take hundreds."""
    x, _ = minimize(method, Function(half_squares, residuals), start, 40)
    onp.testing.assert_allclose(x, solution, atol=1e-6)


@pytest.mark.parametrize("method", [GaussNewton(tolerance=EXACT), GaussNewton(form="pure", tolerance=EXACT)], ids=repr)
def test_linear_least_squares_are_solved_in_one_step(method: Any) -> None:
    rng = onp.random.default_rng(0)
    a, b = rng.standard_normal((12, 5)), rng.standard_normal(12)
    x, _ = minimize(method, Function(half_squares, lambda x: np.dot(a, x) - b), onp.ones(5), 1)
    onp.testing.assert_allclose(x, onp.linalg.lstsq(a, b, rcond=None)[0], rtol=1e-9)


@pytest.mark.parametrize("method", [GaussNewton(), *VARIANTS], ids=repr)
def test_what_pure_steps_run_away_from_is_found(method: Any) -> None:
    """The root of arctan: the tangents of points beyond 1.39 meet zero further out on the other side."""
    away = Function(half_squares, lambda x: np.arctan(x))
    with onp.errstate(all="ignore"):
        x, _ = minimize(GaussNewton(form="pure"), away, [1.5], 8)
    assert not abs(x[0]) < 100
    x, _ = minimize(method, away, [1.5], 12)
    onp.testing.assert_allclose(x, 0, atol=1e-8)


@pytest.mark.parametrize("method", VARIANTS, ids=repr)
def test_steps_are_those_of_the_formula_with_a_matrix(method: LevenbergMarquardt) -> None:
    """The method again, with J in memory and LAPACK, from a start whose first trials fail."""
    start = [1.0, 2.5]
    expected = formula(method, decay, onp.array(start), 6)
    assert expected.failed, "an increase of the damping is compared, too"
    found = [minimize(method, Function(half_squares, decay), start, steps)[0] for steps in range(7)]
    # the condition of J'J at the first points, 1e5, times rounding and a few steps
    onp.testing.assert_allclose(found, expected.points, rtol=1e-7)


class formula:
    """Points of Levenberg-Marquardt, written down as in the text book."""

    def __init__(self, method: LevenbergMarquardt, residuals: Callable[[Any], Any], x: Any, steps: int) -> None:
        self.points, self.failed = [x], 0
        damping, growth = method.damping, 2.0
        for _ in range(steps):
            j, r = jacobian(residuals)(x), residuals(x)
            g, matrix = j.T @ r, j.T @ j
            weights = onp.diag(onp.diag(matrix)) if method.scaling == "diagonal" else onp.eye(len(x))
            while True:
                d = -onp.linalg.solve(matrix + damping * weights, g)
                with onp.errstate(all="ignore"):
                    fallen = 0.5 * (r @ r) - float(half_squares(residuals(x + d)))
                ratio = fallen / -(g @ d + 0.5 * d @ matrix @ d)
                if ratio > 1e-4:
                    break
                damping, growth = damping * (10 if method.adaptation == "marquardt" else growth), 2 * growth
                self.failed += 1
            x = x + d
            damping *= 0.1 if method.adaptation == "marquardt" else max(1 / 3, 1 - (2 * ratio - 1) ** 3)
            growth = 2.0
            self.points.append(x)


def test_a_diagonal_is_exact_by_random_signs_where_nothing_is_beside_it() -> None:
    """As signs squared are one; beside it, their products with others are of mean zero."""
    curvature = onp.geomspace(1.0, 30.0, 25)
    objective = Function(lambda x: 0.5 * np.sum(curvature * x * x))
    scale = LevenbergMarquardt(scaling="diagonal", probes=2)._scale(objective, onp.ones(25))
    onp.testing.assert_allclose(scale, curvature**-0.5, rtol=1e-12)
    assert objective.products == 2
    beside = 0.5 * onp.ones((25, 25)) + onp.diag(curvature)
    objective = Function(lambda x: 0.5 * np.dot(x, np.dot(beside, x)))
    scale = LevenbergMarquardt(scaling="diagonal", probes=20)._scale(objective, onp.ones(25))
    exact = LevenbergMarquardt(scaling="diagonal", probes=25)._scale(objective, onp.ones(25))
    onp.testing.assert_allclose(exact, onp.diag(beside) ** -0.5, rtol=1e-12)
    # the standard deviation of an entry is √(24 · 0.5² / 20) = 0.55; five of them, beside entries of 5.9 and more
    onp.testing.assert_allclose(scale[12:] ** -2, exact[12:] ** -2, rtol=5 * 0.55 / 5.9)


def test_saddle_points_are_left_by_damping_too() -> None:
    """The matrix of a loss that is not convex in the outputs may have negative curvature."""
    saddle = lambda x: x[0] ** 2 - x[1] ** 2 + 0.25 * x[1] ** 4
    for method in (GaussNewton(), LevenbergMarquardt()):
        x, _ = minimize(method, saddle, (0.1, 0.1), 60)
        onp.testing.assert_allclose(onp.abs(x), [0.0, 2**0.5], atol=1e-6)
