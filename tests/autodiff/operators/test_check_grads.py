"""``check_grads`` passes what is right and names what is wrong."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, defjvp, defvjp, primitive
from ddtrain.autodiff.core.primitives import PRIMITIVES

X, Y = onp.array([0.3, -0.8]), onp.array([[1.0], [2.0]])


@pytest.fixture
def cube():
    """x^3 with right rules, for a test to spoil."""
    prim = primitive(lambda x: x**3, name="cube")
    PRIMITIVES.remove(prim)
    defvjp(prim, lambda g, ans, x: 3 * g * x**2)
    defjvp(prim, lambda g, ans, x: 3 * g * x**2)
    return prim


def test_right_rules_pass(cube):
    check_grads(lambda x, y: np.sin(cube(x)) * y, order=3)(X, Y)
    check_grads(lambda p: {"a": p["w"] * p["b"][0], "n": 3})({"w": X, "b": [2.0]})
    check_grads(lambda z: np.exp(z) * np.conj(z))(X + 1j)
    check_grads(lambda x, n, axis: np.sum(x * n, axis))(X.astype(onp.float32), onp.arange(2), axis=0)


@pytest.mark.parametrize(("declare", "mode"), [(defvjp, "rev"), (defjvp, "fwd")])
def test_a_wrong_rule_is_named_with_both_numbers(cube, declare, mode):
    declare(cube, lambda g, ans, x: 2 * g * x**2)
    with pytest.raises(AssertionError, match=rf"cube, order 1, {mode}, argument 0: .* is .*, finite differences say"):
        check_grads(cube)(X)
    other = {"rev": "fwd", "fwd": "rev"}[mode]
    check_grads(cube, modes=[other], order=1)(X)


def test_a_rule_that_hides_its_own_derivative_fails_at_second_order(cube):
    from ddtrain.autodiff import value_of

    defvjp(cube, lambda g, ans, x: 3 * g * value_of(x) ** 2)  # right, but constant to whoever differentiates it
    check_grads(cube, order=1)(X)
    with pytest.raises(AssertionError, match=r"order 2, .* over rev"):
        check_grads(cube, order=2)(X)


@pytest.mark.parametrize(("declare", "mode"), [(defvjp, "rev"), (defjvp, "fwd")])
def test_a_rule_that_moves_its_cotangent_wrongly_fails_at_second_order(cube, declare, mode):
    through = primitive(lambda g: g * 1.0, name="through")  # right values, so that first derivatives are right
    PRIMITIVES.remove(through)
    defvjp(through, lambda g, ans, x: 1.5 * g)
    defjvp(through, lambda g, ans, x: 1.5 * g)
    declare(cube, lambda g, ans, x: 3 * through(g) * x**2)
    check_grads(cube, modes=[mode], order=1)(X)
    what = {"rev": "the cotangent of the result", "fwd": "the tangent of argument 0"}[mode]
    with pytest.raises(AssertionError, match=f"order 2, {mode} over {mode}, {what}"):
        check_grads(cube, modes=[mode], order=2)(X)


@pytest.mark.parametrize(
    ("fun", "x"),
    [
        (lambda x: np.abs(x) ** 1.3, onp.array([1e-3, 2.0])),  # third derivatives of 1e5 and more
        (np.log, onp.array([1e-7, 2.0])),  # the domain ends before the usual step
        (lambda x: 1e3 * np.sqrt(x) ** 3, 1e-6),
        (lambda x: np.sin(x), 1e6),  # x + 1e-5 is rounded
        (lambda x: 1e7 + np.sin(x), 0.3),  # so is f
        (lambda x: np.linalg.cholesky(x)[1], onp.array([[1.0, 1 - 1e-7], [1 - 1e-7, 1.0]])),
    ],
    ids=["steep", "edge", "steep edge", "far", "high", "raises beyond the edge"],
)
def test_no_alarm_where_one_step_does_not_fit_all(fun, x):
    check_grads(fun, order=1)(x)
    with pytest.raises(AssertionError):
        check_grads(_off_by_little(fun), order=1)(x)


def _off_by_little(fun):
    """``fun`` with derivatives that are wrong by a hundredth."""
    prim = primitive(lambda x: x * 1.0, name="nearly")
    PRIMITIVES.remove(prim)
    defvjp(prim, lambda g, ans, x: 1.01 * g)
    defjvp(prim, lambda g, ans, x: 1.01 * g)
    return lambda x: prim(fun(x))


def test_the_wrong_argument_is_named():
    prim = primitive(lambda x, y: x * y, name="product")
    PRIMITIVES.remove(prim)
    defvjp(prim, lambda g, ans, x, y: g * y, lambda g, ans, x, y: g * y)
    with pytest.raises(AssertionError, match="argument 1, leaf 1"):
        check_grads(lambda a, b: prim(a, b[1]) + b[0], modes=["rev"], order=1)(X, [X, 3 * X])


def test_nan_is_not_right(cube):
    defvjp(cube, lambda g, ans, x: g * onp.nan)
    with pytest.raises(AssertionError, match="nan"):
        check_grads(cube, order=1)(X)


def test_unknown_mode():
    with pytest.raises(ValueError, match="'reverse' is neither 'fwd' nor 'rev'"):
        check_grads(np.sin, modes=["reverse"])
