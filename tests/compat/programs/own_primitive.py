"""Primitives of one's own: rules by argument, for all arguments, forward, linear, of a structure."""

import autograd.numpy as np
from autograd import grad, jacobian, make_jvp
from autograd.extend import (
    def_linear,
    defjvp,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    vspace,
)
from autograd.test_util import check_grads, check_jvp, check_vjp, combo_check


@primitive
def logsumexp(x):
    """Numerically stable log(sum(exp(x)))."""
    max_x = np.max(x)
    return max_x + np.log(np.sum(np.exp(x - max_x)))


defvjp(logsumexp, lambda ans, x: lambda g: np.full(x.shape, g) * np.exp(x - np.full(x.shape, ans)))
defjvp(logsumexp, lambda g, ans, x: np.sum(g * np.exp(x - ans)))


@primitive
def scale(x, y, power=1):
    return x * y**power


defvjp(
    scale,
    lambda ans, x, y, power=1: lambda g: g * x * power * y ** (power - 1),
    lambda ans, x, y, power=1: lambda g: g * y**power,
    argnums=(1, 0),
)


def scale_jvp(argnums, gs, ans, args, kwargs):
    (x, y), power = args, kwargs.get("power", 1)
    return sum(g * (y**power if k == 0 else x * power * y ** (power - 1)) for k, g in zip(argnums, gs))


defjvp_argnums(scale, scale_jvp)


@primitive
def total(*xs):
    return sum(xs[1:], xs[0])


defvjp_argnum(total, lambda argnum, ans, args, kwargs: lambda g: g)
defjvp(total, lambda g, ans, *xs: g, lambda g, ans, *xs: g)


@primitive
def cross_term(x, y):
    return x * y + y


defvjp_argnums(
    cross_term,
    lambda argnums, ans, args, kwargs: lambda g: [g * (args[1] if k == 0 else args[0] + 1) for k in argnums],
)
defjvp(cross_term, lambda g, ans, x, y: g * y, lambda g, ans, x, y: g * (x + 1))


@primitive
def doubled(x):
    return 2 * x


defvjp(doubled, lambda ans, x: lambda g: 2 * g)
def_linear(doubled)


@primitive
def layer(params, x):
    return {"out": params["w"] * x, "gate": params["b"][0] + x}


defvjp(
    layer,
    lambda ans, params, x: lambda g: {"w": g["out"] * x, "b": [g["gate"]]},
    lambda ans, params, x: lambda g: g["out"] * params["w"] + g["gate"],
)


@notrace_primitive
def where_positive(x):
    return x > 0


def run():
    x = np.array([1.5, -0.4, 0.2])
    check_grads(logsumexp)(x)
    check_grads(lambda y: scale(1.5, y, power=3))(0.7)
    check_grads(total, (0, 1))(x, 2 * x)
    check_vjp(lambda y: cross_term(2.0, y), 1.3)
    check_jvp(doubled, x)
    combo_check(scale, (0, 1), order=1)([1.5, 2.0], [0.5, 1.0], power=[1, 2])
    params = {"w": 2.0, "b": [0.5]}

    def of_layer(params, x):
        result = layer(params, x)
        return np.sin(result["out"]) * result["gate"]

    gradient = grad(of_layer)(params, 0.3)
    return {
        "logsumexp": grad(logsumexp)(x),
        "hessian": jacobian(grad(logsumexp))(x),
        "scale": grad(scale, (0, 1))(1.5, 0.5, power=2),
        "total": make_jvp(total, 1)(x, x)(x)[1],
        "cross": grad(cross_term, (0, 1))(2.0, 3.0),
        "doubled": make_jvp(doubled)(x)(x)[1],
        "layer": [gradient["w"], gradient["b"][0], grad(of_layer, 1)(params, 0.3)],
        "positive": grad(lambda x: np.sum(x * where_positive(x)))(x),
        "space": [vspace(params).size, vspace(1j).size, vspace(x).ones()[0]],
    }
