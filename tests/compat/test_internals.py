"""What programs take of Autograd's inner modules: core, tracer, util, wrap_util, numpy_boxes, numpy_vjps."""

from __future__ import annotations

import subprocess
import sys

import numpy as onp
import pytest

import ddtrain
import ddtrain.numpy as np
from ddtrain import core, differential_operators, tracer
from ddtrain.autodiff import grad
from ddtrain.extend import defvjp, primitive
from ddtrain.numpy.numpy_boxes import ArrayBox
from ddtrain.numpy.numpy_vjps import balanced_eq, match_complex, replace_zero, unbroadcast_f
from ddtrain.util import subval, subvals
from ddtrain.wrap_util import get_doc, get_name, unary_to_nary

X = onp.array([0.3, -0.8])


def test_core_takes_the_argument_at_once():
    f = lambda p: p["a"] * p["b"]
    pull, value = core.make_vjp(f, {"a": X, "b": 2.0})
    onp.testing.assert_array_equal(value, 2 * X)
    assert pull(onp.ones(2))["b"] == pytest.approx(-0.5)
    assert core.make_jvp(lambda x: x**2, 3.0)(0.5)[1] == 3.0


def test_boxes_are_told_from_values():
    seen = []

    def f(x):
        seen.append((tracer.isbox(x), isinstance(x, ArrayBox), tracer.getval(x)))
        return x**3

    assert grad(grad(f))(2.0) == 12.0
    assert seen == [(True, True, 2.0)]
    assert not tracer.isbox(X)
    assert tracer.getval(X) is X


def test_an_operator_of_ones_own():
    def vjp_of_ones(fun, x):
        """Doc."""
        pull, value = core.make_vjp(fun, x)
        return pull(onp.ones(value.shape))

    operator = unary_to_nary(vjp_of_ones)
    assert get_name(operator) == "vjp_of_ones"
    assert get_doc(operator) == "Doc."
    f = lambda x, y, k=1: x * y**2 * k
    assert operator(f)(3.0, 2.0) == 4.0
    assert operator(f, 1)(3.0, 2.0, k=5) == 60.0
    assert operator(f, (0, 1))(3.0, 2.0) == (4.0, 12.0)


def test_replacing_entries():
    assert subvals([1, 2, 3], zip((0, 2), "ab")) == ("a", 2, "b")
    assert subval((1, 2), 1, 5) == (1, 5)


def test_a_rule_that_fits_its_cotangent_itself():
    times = primitive(lambda x, y: x * y)
    defvjp(
        times,
        lambda ans, x, y: unbroadcast_f(x, lambda g: g * y),
        lambda ans, x, y: unbroadcast_f(y, lambda g: match_complex(y, g * x)),
    )
    f = lambda x, y: np.sum(times(x, y))
    onp.testing.assert_array_equal(grad(f)(onp.ones((2, 1)), X), onp.full((2, 1), X.sum()))
    assert grad(f, 1)(X, 2.0) == X.sum()
    onp.testing.assert_array_equal(replace_zero(onp.array([0.0, 2.0]), 1.0), [1.0, 2.0])
    onp.testing.assert_array_equal(balanced_eq(X, X, onp.array([0.3, 0.0])), [0.5, 1.0])
    assert match_complex(1j, 2.0) == 2 + 0j


def test_one_import_binds_what_autograds_does():
    bound = "core differential_operators tracer util wrap_util builtins extend numpy.numpy_boxes numpy.numpy_vjps"
    ask = f"import ddtrain; [eval('ddtrain.' + name) for name in {bound.split()}]; ddtrain.misc.tracers.const_graph"
    subprocess.run([sys.executable, "-W", "error", "-c", ask], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'nowhere'"):
        ddtrain.nowhere  # noqa: B018


def test_operators_are_the_same_functions():
    for name in differential_operators.__all__:
        assert getattr(differential_operators, name) is getattr(ddtrain, name)
