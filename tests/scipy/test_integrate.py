"""odeint against solutions in closed form: derivatives in state, times and parameters, in both modes.

The solver meets its tolerance, 1e-10 here, not better; derivatives are compared to within a hundred times that.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate

import ddtrain.numpy as dnp
from ddtrain import grad, hessian, jacobian
from ddtrain.autodiff import jvp
from ddtrain.errors import DerivativeError
from ddtrain.scipy.integrate import odeint

TIGHT = {"rtol": 1e-10, "atol": 1e-10}
CLOSE = {"rtol": 1e-8, "atol": 1e-8}
TIMES = np.array([0.2, 0.5, 1.3])


def growth(y, t, k):
    """y' = k t y: y(t) = y0 exp(k (t^2 - t0^2) / 2)."""
    return k * t * y


def solved(y0, t, k):
    return odeint(growth, y0, t, (k,), **TIGHT)[:, 0]


def exact(y0, t, k):
    return y0[0] * dnp.exp(k * (t * t - t[0] * t[0]) / 2)


@pytest.mark.parametrize("argnum", [0, 1, 2])
def test_the_jacobian_in_each_argument_in_both_modes(argnum):
    args = [np.array([1.5]), TIMES, np.array(0.8)]
    expected = jacobian(exact, argnum)(*args)
    np.testing.assert_allclose(jacobian(solved, argnum)(*args), expected, **CLOSE)
    for k, direction in enumerate(np.eye(args[argnum].size)):
        tangents = [np.zeros_like(a) for a in args]
        tangents[argnum] = direction.reshape(args[argnum].shape)
        pushed = jvp(solved, args, tangents)[1]
        np.testing.assert_allclose(pushed, expected.reshape(3, -1)[:, k], **CLOSE)


def test_second_derivatives():
    def last(v, fun):
        return fun(v[:1], dnp.concatenate([TIMES[:2], v[1:2]]), v[2])[-1]

    v = np.array([1.5, 1.3, 0.8])
    np.testing.assert_allclose(hessian(last)(v, solved), hessian(last)(v, exact), rtol=1e-6, atol=1e-6)


def test_parameters_in_a_structure_and_constants_among_them():
    def rate(y, t, model, order):
        return -model["decay"] * y**order + model["source"][0]

    def end(model):
        return odeint(rate, np.array([1.0, 2.0]), np.array([0.0, 1.0]), (model, 1), **TIGHT)[-1].sum()

    model = {"decay": np.array([0.5, 1.0]), "source": [np.array(0.3)]}
    g = grad(end)(model)
    # y' = -d y + s: y = (y0 - s/d) exp(-d) + s/d
    d, s, y0 = model["decay"], 0.3, np.array([1.0, 2.0])
    np.testing.assert_allclose(g["source"][0], np.sum((1 - np.exp(-d)) / d), **CLOSE)
    np.testing.assert_allclose(g["decay"], -(y0 - s / d) * np.exp(-d) - s / d**2 * (1 - np.exp(-d)), **CLOSE)


def test_backwards_in_time_time_first_one_time_and_one_number():
    backwards = odeint(growth, 1.5, TIMES[::-1], (0.8,), **TIGHT)
    np.testing.assert_allclose(backwards[:, 0], exact(np.array([1.5]), TIMES[::-1], 0.8), **CLOSE)
    first = odeint(lambda t, y, k: growth(y, t, k), 1.5, TIMES, 0.8, tfirst=True, **TIGHT)
    np.testing.assert_allclose(first, odeint(growth, 1.5, TIMES, (0.8,), **TIGHT))
    assert grad(lambda y: odeint(growth, y, np.array([1.0]), (0.8,))[0, 0])(1.5) == 1.0
    g = grad(lambda y: odeint(growth, y, TIMES[::-1], (0.8,), **TIGHT)[-1, 0])(1.5)
    np.testing.assert_allclose(g, np.exp(0.4 * (0.04 - 1.69)), **CLOSE)


def test_values_are_scipys_and_other_options_are_refused_by_name():
    np.testing.assert_array_equal(
        odeint(growth, [1.5], TIMES, (0.8,)), scipy.integrate.odeint(growth, [1.5], TIMES, (0.8,))
    )
    with pytest.raises(DerivativeError, match="full_output is not supported"):
        odeint(growth, 1.5, TIMES, (0.8,), full_output=True)
    with pytest.raises(TypeError, match="real states only"):
        odeint(growth, np.array([1.0 + 1j]), TIMES, (0.8,))


def test_a_tolerance_for_each_entry():
    g = grad(lambda y: odeint(growth, y, TIMES, (0.8,), rtol=1e-10, atol=np.array([1e-10, 1e-8]))[-1].sum())(np.ones(2))
    np.testing.assert_allclose(g, np.exp(0.4 * (1.69 - 0.04)) * np.ones(2), rtol=1e-7)
