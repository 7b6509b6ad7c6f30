"""The printer of graphs: steps, names and constants are those of the function; nothing about its values changes."""

from typing import NamedTuple

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import grad, graph, jvp, ops
from ddtrain.autodiff import PRIMITIVES, Outputs, primitive, unpack
from ddtrain.autodiff.core.examples import Sampler


def logistic(w, x, b):
    return 1 / (1 + np.exp(-(w * x + b)))


def rows(g):
    return [f"{n.name} = {n.call}" for n in g.steps]


def test_the_logistic_neuron_as_text():
    assert str(graph(logistic, 2.0, -1.0, 0.5)).splitlines() == [
        "logistic:",
        "  w  = input           () float64  2",
        "  x  = input           () float64  -1",
        "  b  = input           () float64  0.5",
        "  t1 = multiply(w, x)  () float64  -2",
        "  t2 = add(t1, b)      () float64  -1.5",
        "  t3 = negative(t2)    () float64  1.5",
        "  t4 = exp(t3)         () float64  4.48169",
        "  t5 = add(1, t4)      () float64  5.48169",
        "  t6 = divide(1, t5)   () float64  0.182426",
        "  return t6",
    ]


def test_leaves_are_named_by_the_signature():
    def fun(params, *xs, scale=1.0):
        return ops.linear(xs[0], params["w"], params["b"][0])[xs[1]] * scale

    labels = onp.array([0, 1])
    g = graph(fun, {"w": onp.ones((4, 3)), "b": [onp.zeros(3)]}, onp.ones((2, 4)), labels, scale=2.0)
    assert [n.name for n in g.inputs] == ["params['b'][0]", "params['w']", "xs[0]", "xs[1]"]
    assert rows(g)[0] == "t1 = linear(xs[0], params['w'], params['b'][0])", "a fused operation is one step"
    assert rows(g)[1:] == ["t2 = getitem(t1, xs[1])", "t3 = multiply(t2, 2.0)"]
    assert [n.space for n in g.steps] == ["(2, 3) float64"] * 3


def test_a_function_without_a_signature_and_names_that_are_taken():
    assert [n.name for n in graph(np.tanh, 1.0).inputs] == ["x"]
    assert [n.name for n in graph(max, np.ones(2)).inputs] == ["args[0]"]
    assert rows(graph(lambda t1, t3: np.sin(t1) * t3, 1.0, 2.0)) == ["t2 = sin(t1)", "t4 = multiply(t2, t3)"]


def test_constants_are_shown_once_and_steps_without_derivative_too():
    weights = onp.arange(3.0)
    g = graph(lambda x: np.where(x > 0, x, 0.0) * weights + weights, onp.array([1.0, -1.0, 2.0]))
    assert [(n.name, n.space) for n in g.constants] == [("c1", "(3,) float64")]
    assert rows(g) == ["t1 = greater(x, 0)", "t2 = where(t1, x, 0.0)", "t3 = multiply(t2, c1)", "t4 = add(t3, c1)"]
    assert "c1 = constant" in str(g)


def test_positions_stay_positions():
    x = onp.array([1.0, 0.0, 2.0])
    for fun in (lambda x: x[np.nonzero(x)], lambda x: x[np.argsort(x)], lambda x: x[np.argmax(x)], lambda x: x[x > 0]):
        onp.testing.assert_array_equal(graph(fun, x).result.value, fun(x))


class Waves(NamedTuple):
    sine: object
    cosine: object


def test_several_outputs_and_structures():
    both = primitive(lambda x: Outputs((onp.sin(x), onp.cos(x).sum())), name="both")
    PRIMITIVES.remove(both)
    g = graph(lambda x: {"waves": Waves(*unpack(both(x))), "kept": 3}, onp.ones(2))
    assert rows(g) == ["t1 = both(x)", "t2 = item(t1, 0)", "t3 = item(t1, 1)"]
    assert g.steps[0].space == "(2,) float64, () float64"
    assert str(g).splitlines()[-1] == "  return {'waves': Waves(sine=t2, cosine=t3), 'kept': 3}"


def test_the_graph_of_a_derivative_and_the_derivative_of_what_a_graph_saw():
    steps = rows(graph(grad(lambda w: np.cos(w**2)), 1.0))
    assert steps[:3] == ["t1 = power(w, 2)", "t2 = cos(t1)", "t3 = sin(t1)"]
    inside = lambda x: graph(lambda y: y * x, 2.0).result.value * x
    assert grad(inside)(3.0) == 12.0
    assert jvp(inside, (3.0,), (1.0,))[1] == 12.0
    assert graph(inside, 3.0).result.value == 18.0


@pytest.mark.parametrize("prim", [p for p in PRIMITIVES if p.examples is not None], ids=lambda p: p.__name__)
def test_every_primitive_can_be_shown_and_keeps_its_value(prim):
    for case in prim.examples(Sampler()):
        g = graph(prim, *case.args, **case.kwargs)
        expected, seen = prim(*case.args, **case.kwargs), g.steps[-1].value
        pairs = zip(expected, seen, strict=True) if isinstance(expected, tuple) else [(expected, seen)]
        for a, b in pairs:
            onp.testing.assert_array_equal(a, b)
        assert len(g.steps) == 1, "one primitive is one step"
        assert prim.__name__ in str(g)
        assert g.to_dot()
