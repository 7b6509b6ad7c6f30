"""Primitives in Autograd's convention: every way of declaring, structures, nesting, and what is missing."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import PRIMITIVES, check_grads, const_graph, grad, jvp
from ddtrain.errors import DerivativeError
from ddtrain.extend import (
    Box,
    def_linear,
    defjvp,
    defjvp_argnum,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
)

X, Y = onp.array([0.3, -0.8]), onp.array([1.5, 0.4])


@pytest.fixture(autouse=True)
def _registry():
    before = len(PRIMITIVES)
    yield
    del PRIMITIVES[before:]


def test_rules_by_argument():
    @primitive
    def product(x, y, k=1):
        """The product."""
        return k * x * y

    defvjp(product, lambda ans, x, y, k=1: lambda g: k * g * y, lambda ans, x, y, k=1: lambda g: k * g * x)
    defjvp(product, lambda g, ans, x, y, k=1: k * g * y, lambda g, ans, x, y, k=1: k * x * g)
    check_grads(lambda x, y: product(x, y, k=3) ** 2, order=3)(X, Y)
    assert (product.__name__, product.__doc__) == ("product", "The product.")
    assert product(2.0, 3.0) == 6.0


def test_raw_sees_arrays_and_rules_see_traces():
    seen = []

    @primitive
    def square(x):
        assert not isinstance(x, Box)
        return x**2

    defvjp(square, lambda ans, x: lambda g: (seen.append((type(ans), type(x))), 2 * g * x)[1])
    grad(grad(square))(3.0)
    assert any(issubclass(t, Box) for pair in seen for t in pair)


def test_rules_for_any_argument():
    total = primitive(lambda *xs: sum(xs[1:], xs[0]))
    defvjp_argnum(total, lambda argnum, ans, args, kwargs: lambda g: g)
    defjvp_argnum(total, lambda argnum, g, ans, args, kwargs: g)
    check_grads(lambda x, y: total(x, y, x * y), order=2)(X, Y)

    joint = primitive(lambda x, y: x * y)
    calls = []

    def both(argnums, ans, args, kwargs):
        calls.append(argnums)
        return lambda g: [g * args[1 - k] for k in argnums]

    defvjp_argnums(joint, both)
    assert grad(joint, (0, 1))(2.0, 5.0) == (5.0, 2.0)
    assert calls == [(0, 1)]


def test_none_same_and_linear():
    @primitive
    def masked(x, y):
        return x * y

    defvjp(masked, None, lambda ans, x, y: lambda g: g * x)
    defjvp(masked, None, "same")
    assert grad(masked, (0, 1))(2.0, 5.0) == (0.0, 2.0)
    assert jvp(masked, (2.0, 5.0), (1.0, 1.0))[1] == 2.0
    bilinear = primitive(lambda x, y: x * y)
    def_linear(bilinear)
    assert jvp(bilinear, (2.0, 5.0), (1.0, 1.0))[1] == 7.0


def test_structures_in_and_out_at_second_order_in_both_modes():
    @primitive
    def layer(params, x):
        w, (b,) = params["w"], params["b"]
        return {"out": w * x, "all": [b + x, 7]}

    defvjp(
        layer,
        lambda ans, params, x: lambda g: {"w": g["out"] * x, "b": (g["all"][0],)},
        lambda ans, params, x: lambda g: g["out"] * params["w"] + g["all"][0],
    )
    defjvp(
        layer,
        lambda g, ans, params, x: {"out": g["w"] * x, "all": [g["b"][0], 0]},
        lambda g, ans, params, x: {"out": params["w"] * g, "all": [g, 0]},
    )

    def of(params, x):
        result = layer(params, x)
        assert result["all"][1] == 7
        return np.sin(result["out"]) * result["all"][0]

    params = {"w": X, "b": (Y,)}
    check_grads(of, order=2)(params, Y)
    assert of(params, Y).shape == (2,)
    graph = const_graph(lambda x: of(params, x))
    onp.testing.assert_array_equal(graph(X), of(params, X))
    onp.testing.assert_array_equal(graph(Y), of(params, Y))


def test_what_is_missing_is_named():
    @primitive
    def lonely(x, y):
        return x * y

    defvjp(lonely, lambda ans, x, y: lambda g: g * y)
    assert grad(lonely)(2.0, 3.0) == 3.0
    with pytest.raises(DerivativeError, match=r"no VJP rule for argument 1\n.*defvjp\(.*argnums=\(1,\)\)"):
        grad(lonely, 1)(2.0, 3.0)
    with pytest.raises(DerivativeError, match=r"no JVP rule for argument 0\n.*lambda g, ans, \*args"):
        jvp(lambda x: lonely(x, 3.0), (1.0,), (1.0,))
    with pytest.raises(DerivativeError, match=r"lonely is not a primitive of ddtrain.extend\n.*@ddtrain.extend.prim"):
        defvjp(lonely.__wrapped__, None)


def test_rules_can_be_declared_again():
    f = primitive(lambda x: 2 * x)
    defvjp_argnums(f, lambda argnums, ans, args, kwargs: lambda g: [0 * g])
    defvjp(f, lambda ans, x: lambda g: 2 * g)
    assert grad(f)(1.0) == 2.0
    defvjp_argnum(f, lambda argnum, ans, args, kwargs: lambda g: 3 * g)
    assert grad(f)(1.0) == 3.0


def test_notrace():
    sign = notrace_primitive(lambda x: x > 0)
    assert grad(lambda x: np.sum(x * sign(x)))(X)[1] == 0.0
