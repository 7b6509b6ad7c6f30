"""Parameters of a predator-prey model through a Runge-Kutta solver: both modes, and odeint."""

import itertools

import autograd.numpy as np
from autograd import deriv, grad, jacobian, make_jvp
from autograd.builtins import tuple
from autograd.scipy.integrate import odeint


def lotka_volterra(y, t, params):
    prey, predators = y
    a, b, c, d = params
    return np.array([a * prey - b * prey * predators, c * prey * predators - d * predators])


def rk4(func, y0, ts, params):
    ys = [y0]
    for t0, t1 in itertools.pairwise(ts):
        h, y = t1 - t0, ys[-1]
        k1 = func(y, t0, params)
        k2 = func(y + 0.5 * h * k1, t0 + 0.5 * h, params)
        k3 = func(y + 0.5 * h * k2, t0 + 0.5 * h, params)
        k4 = func(y + h * k3, t1, params)
        ys.append(y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4))
    return np.stack(ys)


def run():
    y0, ts = np.array([1.0, 0.5]), np.linspace(0.0, 2.0, 21)
    params = np.array([1.1, 0.4, 0.3, 0.6])
    loss = lambda p: np.sum((rk4(lotka_volterra, y0, ts, p) - 1.0) ** 2)
    final = lambda y: rk4(lotka_volterra, y, ts, params)[-1]
    by_odeint = lambda p: np.sum(odeint(lotka_volterra, y0, ts[::10], tuple((p,)), rtol=1e-10, atol=1e-10)[-1])
    by_steps = lambda p: np.sum(rk4(lotka_volterra, y0, ts, p)[-1])
    difference = grad(by_odeint)(params) - grad(by_steps)(params)
    return {
        "gradient": grad(loss)(params),
        "sensitivity": jacobian(final)(y0),
        "along": make_jvp(final)(y0)(np.array([1.0, -1.0]))[1],
        "in_time": deriv(lambda t: rk4(lotka_volterra, y0, ts * t, params)[-1])(1.0),
        "odeint_agrees": np.max(np.abs(difference)) < 1e-4,
    }
