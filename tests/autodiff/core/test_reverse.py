"""The tape: when leaves are handed over, how long it may be, and that it is let go of."""

import gc
import sys
import tracemalloc
import weakref

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import Tape, defvjp, grad, primitive, record, value_of, walk_back
from ddtrain.autodiff.core.primitives import PRIMITIVES
from ddtrain.errors import DerivativeError


def backpropagate(fun, leaves, sinks):
    """A step's forward and backward, as the trainer takes them."""
    out, tape, end = record(fun, leaves)
    walk_back(tape, end, onp.ones((), out.dtype), sinks, keep=False)


def deliveries(fun, leaves):
    """What each sink was handed, in order: pairs (leaf, gradient)."""
    seen = []
    backpropagate(fun, leaves, [lambda g, i=i: seen.append((i, g)) for i in range(len(leaves))])
    return seen


def test_last_used_leaf_is_delivered_first():
    layers = [onp.full((2, 2), 0.1 * k) for k in range(1, 5)]

    def network(*weights):
        x = onp.ones((1, 2))
        for w in weights:
            x = np.tanh(x @ w)
        return np.sum(x)

    assert [leaf for leaf, _ in deliveries(network, layers)] == [3, 2, 1, 0]


def test_a_leaf_is_delivered_before_the_walk_goes_on():
    events, before = [], len(PRIMITIVES)
    layer = primitive(lambda x, w: x * w, name="layer")
    del PRIMITIVES[before:]

    def data_rule(g, ans, x, w):
        events.append("data")
        return g * w

    defvjp(layer, data_rule, lambda g, ans, x, w: g * x)
    sinks = [lambda g: events.append("w0"), lambda g: events.append("w1"), lambda g: events.append("w2")]
    backpropagate(lambda a, b, c: layer(layer(layer(onp.array(2.0), a), b), c), [onp.array(1.0)] * 3, sinks)
    assert events == ["data", "w2", "data", "w1", "w0"]


def test_a_shared_leaf_waits_for_its_first_use():
    order = deliveries(lambda w, v: np.sum((w * 2.0) * v * w), [onp.ones(2), onp.ones(2)])
    assert [leaf for leaf, _ in order] == [1, 0]
    onp.testing.assert_array_equal(order[1][1], [4.0, 4.0])


def test_leaves_without_a_gradient_are_delivered_none():
    # 0 unused, 1 through a zero derivative, 2 used after the output, 3 used
    def fun(a, b, c, d):
        loss = np.sum(np.where(onp.zeros(2, bool), b, d))
        np.sum(c * d)
        return loss + 0.0 * np.sum(np.floor(b))

    got = dict(deliveries(fun, [onp.ones(2)] * 4))
    assert got[0] is None
    assert got[2] is None
    onp.testing.assert_array_equal(got[1], [0.0, 0.0])
    onp.testing.assert_array_equal(got[3], [1.0, 1.0])


def test_a_leaf_that_only_what_comes_after_the_output_uses_is_delivered_none():
    """Such as a parameter that nothing but a metric reads: its bucket must not wait for ever."""

    def fun(w, only_a_metric):
        losses = np.sum(w**2)
        np.sum(losses * only_a_metric)
        return losses

    (first, none), (second, g) = deliveries(fun, [onp.ones(2), onp.ones(())])
    assert (first, none, second) == (1, None, 0)
    onp.testing.assert_array_equal(g, [2.0, 2.0])


def test_every_leaf_is_delivered_when_the_output_is_constant():
    assert deliveries(lambda a, b: onp.array(1.0), [onp.ones(2)] * 2) == [(0, None), (1, None)]


def test_a_step_without_rules_releases_its_parents():
    stopped, before = primitive(lambda x: x * 1.0, name="stopped"), len(PRIMITIVES) - 1
    del PRIMITIVES[before:]
    defvjp(stopped, None)
    assert deliveries(lambda a: np.sum(stopped(a)), [onp.ones(2)]) == [(0, None)]


def test_gradients_of_sinks_and_of_grad_agree():
    w, x = onp.arange(6.0).reshape(2, 3), onp.ones((4, 2))
    loss = lambda w: np.sum(np.tanh(x @ w) ** 2)
    ((_, g),) = deliveries(loss, [w])
    onp.testing.assert_array_equal(g, grad(loss)(w))


def test_a_chain_of_100_000_steps():
    def chain(x):
        for _ in range(100_000):
            x = x * 1.00001
        return x

    assert 10 * sys.getrecursionlimit() < 100_000
    assert grad(chain)(1.0) == pytest.approx(1.00001**100_000, rel=1e-9)


def test_a_tape_is_freed_without_the_collector():
    class Watched(Tape):
        __slots__ = ("__weakref__",)

    gc.disable()
    try:
        out, tape, end = record(lambda x: np.sum(np.exp(x)), [onp.ones(3)], Watched)
        walk_back(tape, end, onp.ones(()))
        alive = weakref.ref(tape)
        del tape, out
        assert alive() is None
    finally:
        gc.enable()


def test_steps_are_freed_as_they_are_walked():
    n = 100_000  # floats: 0.8 MB a step, 40 steps

    def deep(x):
        for _ in range(40):
            x = np.sin(x)
        return np.sum(x)

    tracemalloc.start()
    try:
        backpropagate(deep, [onp.ones(n)], [None])
        _, kept_peak = tracemalloc.get_traced_memory()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_peak < 45 * 8 * n  # 40 values and a few cotangents: no cotangent outlives its step
    assert held < 2 * 8 * n


@pytest.mark.parametrize("keep", [False, True])
def test_a_step_that_was_walked_is_let_go_of_before_the_next(keep):
    """Seen from the first layer's leaf, which is handed over last: what later layers have computed is gone by then."""
    made = []

    def chain(first, second):
        x = onp.ones(3)
        for w in (first, second, second, second):
            x = np.sin(w * x)
            made.append(weakref.ref(value_of(x)))
        return np.sum(x)

    alive = []
    _, tape, end = record(chain, [onp.ones(3)] * 2)
    walk_back(tape, end, onp.ones(()), [lambda g: alive.extend(x() is not None for x in made), None], keep)
    assert alive == [keep] * 4


def test_a_tape_can_be_walked_twice():
    out, tape, end = record(lambda x: np.sum(x**2), [onp.array([1.0, 2.0])])
    assert out == 5.0
    for scale in (1.0, 3.0):
        onp.testing.assert_array_equal(walk_back(tape, end, onp.array(scale))[0], scale * onp.array([2.0, 4.0]))


def test_cotangents_are_not_written_to():
    # g reaches both arguments of add as one array: adding to it in place for one would change the other
    g = onp.ones(2)
    _, tape, end = record(lambda x, y: (x + y) + (x + y) * 2.0, [onp.ones(2), onp.ones(2)])
    first, second = walk_back(tape, end, g)
    onp.testing.assert_array_equal([first, second, g], [[3.0, 3.0], [3.0, 3.0], [1.0, 1.0]])


def test_a_rule_may_return_a_plain_number():
    flat = primitive(lambda x: 0 * x, name="flat")
    PRIMITIVES.remove(flat)
    defvjp(flat, lambda g, ans, x: 2.0)
    onp.testing.assert_array_equal(grad(lambda x: np.sum(flat(x)) + np.sum(x))(onp.array(1.0)), 3.0)


@pytest.mark.parametrize(
    "rule",
    [
        lambda ans, x, y: lambda g: g * y,
        lambda out, x, y: lambda g: g * y,
        lambda out, *args: lambda g: g * args[1],
        lambda out, x, y=2.0: lambda g: g * y,
    ],
    ids=["ans", "another name", "any arguments", "a default"],
)
def test_a_rule_written_autograds_way_is_recognised(rule):
    product = primitive(lambda x, y: x * y, name="product")

    def declare_and_use():
        defvjp(product, rule)
        grad(product)(3.0, 4.0)

    with pytest.raises(DerivativeError, match=r"product: the VJP rule of argument 0.*\n.*lambda g, ans, x, y: \.\.\."):
        declare_and_use()


def test_an_error_in_a_rule_stays_what_it_is():
    product = primitive(lambda x, y: x * y, name="product")
    defvjp(product, lambda g, ans, x, y: g * len(3))
    with pytest.raises(TypeError, match="has no len"):
        grad(product)(3.0, 4.0)
