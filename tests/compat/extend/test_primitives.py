"""Primitives in Autograd's convention: every way of declaring, structures, nesting, and what is missing."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import PRIMITIVES, check_grads, grad, jvp, nondifferentiable
from ddtrain.autograd.extend import (
    Box,
    JVPNode,
    SparseObject,
    VJPNode,
    def_linear,
    defjvp,
    defjvp_argnum,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    register_notrace,
    vspace,
)
from ddtrain.errors import DerivativeError
from ddtrain.plan import const_graph

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
    with pytest.raises(NotImplementedError, match=r"no JVP rule for argument 0\n.*lambda g, ans, \*args"):
        jvp(lambda x: lonely(x, 3.0), (1.0,), (1.0,))
    with pytest.raises(
        DerivativeError, match=r"lonely is not a primitive of ddtrain.autograd.extend\n.*@ddtrain.autograd.extend.prim"
    ):
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


@pytest.mark.parametrize("by_modes", [(VJPNode,), (JVPNode,), (VJPNode, JVPNode)])
def test_notrace_of_a_mode(by_modes):
    def rounded(x):
        assert not isinstance(x["a"][0], Box) or type(x["a"][0]._trace) not in by_modes
        return np.floor(x["a"][0])

    floor = primitive(rounded)
    defvjp(floor, lambda ans, x: lambda g: {"a": [10 * g]})  # seen where the mode is not registered
    defjvp(floor, lambda g, ans, x: 10 * g["a"][0])
    for mode in by_modes:
        register_notrace(mode, floor)
    f = lambda x: x * floor({"a": [x]})
    slope = {mode: 2.0 if mode in by_modes else 27.0 for mode in (VJPNode, JVPNode)}
    assert grad(f)(2.5) == slope[VJPNode]
    assert jvp(f, (2.5,), (1.0,))[1] == slope[JVPNode]
    if by_modes == (VJPNode, JVPNode):
        assert grad(lambda x: grad(lambda y: x * y * floor({"a": [x + y]}))(x))(2.5) == 5.0
        assert jvp(grad(f), (2.5,), (1.0,))[1] == 0.0


def test_notrace_of_what_is_constant_already_or_no_primitive():
    register_notrace(VJPNode, np.floor)
    register_notrace(JVPNode, nondifferentiable(lambda x: x, name="constant"))
    with pytest.raises(DerivativeError, match=r"sin is not a primitive of ddtrain.autograd.extend"):
        register_notrace(VJPNode, np.sin)


def test_a_sparse_cotangent_of_a_rule_and_of_a_primitive():
    take, untake = primitive(lambda x, i: x[i]), None

    def scatter(g, i, space):
        def add(out):
            onp.add.at(out, i, g)
            return out

        return SparseObject(space, add)

    untake = primitive(scatter)
    defvjp(take, lambda ans, x, i: lambda g: untake(g, i, vspace(x)))
    defjvp(take, lambda g, ans, x, i: take(g, i))
    defvjp(untake, lambda ans, g, i, space: lambda h: take(h, i))
    defjvp(untake, lambda h, ans, g, i, space: untake(h, i, space))
    index = onp.array([0, 2, 0])
    check_grads(lambda x: take(x, index) ** 3)(onp.array([0.5, 1.0, -2.0]))
    onp.testing.assert_array_equal(grad(lambda x: np.sum(take(x, index)))(onp.ones(3)), [2.0, 0.0, 1.0])


def test_autograds_spelling_of_the_value_in_a_box():
    seen = []
    grad(lambda x: [seen.append(x._value), x][1])(2.0)
    assert seen == [2.0]
