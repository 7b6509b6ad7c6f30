"""Line searches, quasi-Newton methods and Newton's: on functions whose minima, steps and saddle points are known."""

from __future__ import annotations

from typing import Any

import numpy as onp
import pytest
from objectives import Function, minimize

import ddtrain.numpy as np
from ddtrain import optim
from ddtrain.errors import UsageError
from ddtrain.optim import (
    BatchMethod,
    Bfgs,
    GaussNewton,
    HessianFree,
    Lbfgs,
    LevenbergMarquardt,
    LineSearch,
    Newton,
    NonlinearCg,
    Optim,
)
from ddtrain.optim.batch_methods.line_search import Point, backtrack, strong_wolfe
from ddtrain.optim.batch_methods.newton import _subproblem
from ddtrain.optim.groups import Group, Segment


def rosenbrock(x: Any) -> Any:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def saddle(x: Any) -> Any:
    """A saddle point at zero, and minima of -1 at (0, ±√2)."""
    return x[0] ** 2 - x[1] ** 2 + 0.25 * x[1] ** 4


CURVATURE = onp.array([0.1, 1.0, 3.0, 10.0, 40.0])


def quadratic(x: Any) -> Any:
    return 0.5 * np.sum(CURVATURE * x * x)


METHODS = [NonlinearCg(), Lbfgs(), Lbfgs(history=3), Bfgs(), Newton(), Newton(form="damped"), HessianFree()]
METHODS += [HessianFree(products="difference", delta=1e-6), HessianFree(damping=0.01)]
# of functions of the parameters alone, so that the matrix of Gauss-Newton is the Hessian
METHODS += [GaussNewton(), LevenbergMarquardt(), LevenbergMarquardt(adaptation="marquardt", scaling="diagonal")]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_rosenbrocks_valley_is_followed_to_its_end(method: BatchMethod) -> None:
    x, _ = minimize(method, rosenbrock, [-1.2, 1.0], 120)
    onp.testing.assert_allclose(x, [1.0, 1.0], atol=1e-4)


@pytest.mark.parametrize("method", [LineSearch(), NonlinearCg(beta="fletcher_reeves")], ids=repr)
def test_slower_methods_never_climb(method: BatchMethod) -> None:
    losses = [float(rosenbrock(minimize(method, rosenbrock, [-1.2, 1.0], steps)[0])) for steps in range(1, 30, 4)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.8 * losses[0]


def test_newton_solves_a_quadratic_in_one_step_and_conjugate_gradients_in_few() -> None:
    start = onp.linspace(1.0, 2.0, 5)
    for form in ("pure", "damped", "trust_region"):
        x, _ = minimize(Newton(form=form, radius=100.0), quadratic, start, 1)  # type: ignore[arg-type]
        onp.testing.assert_allclose(x, 0, atol=1e-12)
    x, objective = minimize(HessianFree(), quadratic, start, 8)
    onp.testing.assert_allclose(x, 0, atol=1e-6)
    # as many products as dimensions, and one more where rounding has left a remainder
    assert objective.products <= 8 * (5 + 1)


FREE = [HessianFree(), HessianFree(products="difference", delta=1e-6), HessianFree(damping=0.01)]


@pytest.mark.parametrize("method", [Newton(), Newton(form="damped"), *FREE], ids=repr)
@pytest.mark.parametrize("start", [(1.0, 0.0), (0.3, 1e-12), (0.0, 0.0)])
def test_saddle_points_are_left(method: BatchMethod, start: Any) -> None:
    x, _ = minimize(method, saddle, start, 40)
    onp.testing.assert_allclose(onp.abs(x), [0.0, 2**0.5], atol=1e-6)


@pytest.mark.parametrize("method", [Newton(), Newton(form="damped"), HessianFree()], ids=repr)
def test_a_saddle_point_is_left_in_one_step_which_says_so(method: BatchMethod) -> None:
    """At zero the gradient of w0² − w1² + w1⁴ is exactly zero, and the curvature along w1 is −2."""
    loss = lambda w: w[0] ** 2 - w[1] ** 2 + w[1] ** 4
    x, objective = minimize(method, loss, (0.0, 0.0), 1)
    assert loss(x) < -1e-5
    assert objective.figures["curvature"] == pytest.approx(-2.0, abs=1e-9)
    x, objective = minimize(method, loss, (0.0, 0.0), 25)
    onp.testing.assert_allclose(onp.abs(x), [0.0, 0.5**0.5], atol=1e-6)
    assert objective.figures["curvature"] == 0, "a minimum"


@pytest.mark.parametrize("method", [GaussNewton(), LevenbergMarquardt()], ids=repr)
def test_gauss_newton_stays_at_a_stationary_point(method: BatchMethod) -> None:
    """As the docstring says: of squared errors its matrix is never negative, though the Hessian may be."""
    errors = Function(lambda outputs: np.sum((outputs - 1) ** 2), lambda w: w * w)
    x, _ = minimize(method, errors, (0.0, 0.0), 5)
    onp.testing.assert_array_equal(x, 0)
    x, _ = minimize(HessianFree(), Function(errors.loss_of, errors.outputs), (0.0, 0.0), 30)
    onp.testing.assert_allclose(onp.abs(x), 1, atol=1e-6)


def test_negative_curvature_that_is_met_late_is_followed() -> None:
    """A quadratic to which a quartic is added: conjugate gradients go one step down before they meet it.

    The gradient has no part in the third direction but a small one, of which the first product shows little.
    """
    values = onp.array([1.0, 2.0, -1.0])
    loss = lambda x: 0.5 * np.sum(values * x * x) + 0.25 * x[2] ** 4
    start = onp.array([1.0, 1.0, 0.2])
    method, objective = HessianFree(tolerance=1e-3), Function(loss)
    _, gradient = objective.loss_and_gradient(start)
    solved = method.direction(objective, lambda v: objective.hessian_product(start, v), gradient)
    assert objective.products > 1
    assert solved.beyond is not None
    along = solved.beyond / onp.linalg.norm(solved.beyond)
    assert along @ objective.hessian_product(start, along) == pytest.approx(solved.curvature)
    assert solved.curvature < 0
    model = lambda d: gradient @ d + 0.5 * d @ objective.hessian_product(start, d)
    assert model(solved.direction + solved.beyond) < model(solved.direction), "further down, by the quadratic model"
    onp.testing.assert_allclose(objective.hessian_product(start, solved.direction), solved.product, atol=1e-12)
    x, objective = minimize(method, loss, start, 1)
    assert abs(x[2]) > abs(start[2]), "away from the saddle point"
    assert objective.figures["curvature"] == pytest.approx(solved.curvature)
    x, _ = minimize(method, loss, start, 30)
    onp.testing.assert_allclose(onp.abs(x), [0, 0, 1], atol=1e-6)


def test_pure_newton_is_drawn_to_a_saddle_point() -> None:
    x, _ = minimize(Newton(form="pure"), saddle, (0.3, 0.2), 8)
    onp.testing.assert_allclose(x, 0, atol=1e-10)


def test_hessian_free_follows_negative_curvature() -> None:
    x, _ = minimize(HessianFree(), saddle, (0.1, 0.1), 40)
    onp.testing.assert_allclose(onp.abs(x), [0.0, 2**0.5], atol=1e-6)


def test_bfgs_is_the_matrix_of_the_text_book() -> None:
    """Its direction is that of the inverse Hessian which the pairs update, from the first pair's multiple of one."""
    rng, n = onp.random.default_rng(0), 4
    hessian = onp.diag(onp.arange(1.0, n + 1)) + 0.1
    steps = rng.standard_normal((3, n))
    pairs = [(s, hessian @ s) for s in steps]
    inverse = onp.eye(n) * (pairs[0][0] @ pairs[0][1]) / (pairs[0][1] @ pairs[0][1])
    state = {name: onp.zeros(n) for name in Bfgs(history=5).vectors()}
    for s, y in pairs:
        rho, one = 1 / (y @ s), onp.eye(n)
        inverse = (one - rho * onp.outer(s, y)) @ inverse @ (one - rho * onp.outer(y, s)) + rho * onp.outer(s, s)
        Bfgs(history=5).remember(Function(quadratic), s, y, state)
    g = rng.standard_normal(n)
    onp.testing.assert_allclose(Bfgs(history=5).times_inverse(Function(quadratic), g, state), inverse @ g, rtol=1e-12)


@pytest.mark.parametrize("method", [LineSearch(), *METHODS], ids=repr)
def test_a_minimum_is_stayed_at(method: BatchMethod) -> None:
    x, _ = minimize(method, quadratic, onp.zeros(5), 3)
    onp.testing.assert_array_equal(x, 0)


@pytest.mark.parametrize("method", [LineSearch(), *METHODS], ids=repr)
def test_what_is_not_finite_is_backed_away_from(method: BatchMethod) -> None:
    """The logarithm ends at 0, and any method's first step may go beyond."""
    with onp.errstate(all="ignore"):  # as in the trainer's loop
        x, _ = minimize(method, lambda x: np.sum(x - np.log(x)), [0.05, 30.0], 60)
    assert onp.isfinite(x).all()
    assert float(onp.sum(x - onp.log(x))) < 0.5 * (0.05 - onp.log(0.05) + 30 - onp.log(30))


def test_strong_wolfe_holds_at_the_point_that_is_found() -> None:
    objective, x = Function(rosenbrock), onp.array([-1.2, 1.0])
    loss, gradient = objective.loss_and_gradient(x)
    start = Point(0.0, x, loss, gradient, float(-(gradient @ gradient)))
    for length in (1e-6, 1e-3, 1.0):
        for curvature in (0.1, 0.9):
            found = strong_wolfe(objective, start, -gradient, length, curvature)
            assert found is not None
            assert found.loss <= loss + 1e-4 * found.length * start.slope
            assert abs(found.slope) <= curvature * abs(start.slope)
    assert backtrack(objective, x, loss, 1.0, gradient, 1.0) is None, "there is no way up that goes down"


@pytest.mark.parametrize("seed", range(5))
def test_the_trust_regions_step_is_the_best_in_it(seed: int) -> None:
    """Compared with the best of many points of the region."""
    rng = onp.random.default_rng(seed)
    values, g, radius = onp.sort(rng.standard_normal(3)), rng.standard_normal(3), 0.7
    model = lambda p: p @ g + 0.5 * onp.sum(values * p * p, -1)
    p = _subproblem(g, values, radius)
    assert onp.linalg.norm(p) <= radius * (1 + 1e-9)
    directions = rng.standard_normal((20_000, 3))
    directions /= onp.linalg.norm(directions, axis=1, keepdims=True)
    some = directions * radius * rng.uniform(0, 1, (20_000, 1)) ** (1 / 3)
    assert model(p) <= min(model(some).min(), model(directions * radius).min()) + 1e-9


def test_a_hessian_that_is_too_large_is_refused_with_what_it_would_take() -> None:
    for name, part in Optim.parts.items():
        if issubclass(part, BatchMethod) and name != "newton":
            Optim(name=name).check_size(10**9)
    Newton(most_parameters=3000).check_size(3000)
    with pytest.raises(UsageError, match=r"3,001 parameters take 0.4 GB a rank .* and 3,001 products with it in every"):
        Newton(most_parameters=3000).check_size(3001)


@pytest.mark.parametrize("name", [name for name, part in Optim.parts.items() if issubclass(part, BatchMethod)])
def test_groups_may_freeze_and_no_more(name: str) -> None:
    formula = Optim(name=name)
    optim.make(formula, 4, onp.float64, pieces=[Segment(slice(0, 4), Group(formula))])
    with pytest.raises(UsageError, match=rf"--optim.name {name} takes one step for all parameters"):
        optim.make(formula, 4, onp.float64, pieces=[Segment(slice(0, 4), Group(formula, lr_factor=0.5))])
    with pytest.raises(NotImplementedError):
        optim.make(formula, 4, onp.float64).apply(onp.zeros(4), onp.zeros(4), lr=1.0)
