"""Structures that a traced function builds, asks the type of, and returns."""

import autograd.numpy as np
from autograd import elementwise_grad, grad, make_jvp, make_vjp
from autograd.builtins import dict, isinstance, list, tuple, type


def total(x):
    if isinstance(x, dict):
        return sum(total(x[key]) for key in sorted(x))
    if isinstance(x, (list, tuple)):
        return sum([total(part) for part in x])
    if isinstance(x, np.ndarray):
        return np.sum(x**2)
    assert isinstance(x, float)
    return 3.0 * x


def grow(x):
    parts = list([x])
    for k in range(3):
        parts = parts + list([parts[-1] * x + k])
    named = dict(first=parts[0], last=parts[-1], pair=tuple((parts[1], parts[2])))
    return named["first"] * named["last"] + named["pair"][0] * named["pair"][1]


def run():
    structure = {"a": np.array([1.0, 2.0]), "b": [2.0, (np.ones((1, 2)), -1.0)]}
    gradient = grad(total)(structure)
    pullback, value = make_vjp(lambda x: dict(a=np.sin(x), b=list([x, 2.0 * x])))(np.array([0.5, 1.5]))
    return {
        "gradient": [gradient["a"], gradient["b"][1][0]],
        "numbers": [gradient["b"][0], gradient["b"][1][1]],
        "grow": [grad(grow)(0.7), grad(grad(grow))(0.7)],
        "type": type(np.ones(2)) is np.ndarray,
        "value": [value["a"], value["b"][1]],
        "pullback": pullback({"a": np.ones(2), "b": [np.ones(2), np.array([0.0, 1.0])]}),
        "pushed": make_jvp(lambda p: p["x"] * p["y"][0])({"x": 2.0, "y": [3.0]})({"x": 1.0, "y": [-1.0]})[1],
        "elementwise": elementwise_grad(lambda p: p[0] * p[1] ** 2)((np.array([1.0, 2.0]), np.array([3.0, 4.0]))),
    }
