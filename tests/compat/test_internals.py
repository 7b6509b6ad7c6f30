"""What programs take of Autograd's inner modules, and every way to import them.

``core tracer util wrap_util numpy_boxes numpy_vjps``; the tests of Autograd's names lie here and not in a folder
``autograd``, which Python would take for the package of that name.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as onp
import pytest

import ddtrain
import ddtrain.numpy as np
import ddtrain.ops
from ddtrain import autograd
from ddtrain.autodiff import grad
from ddtrain.autograd import core, differential_operators, tracer
from ddtrain.autograd.builtins import DictBox, SequenceBox
from ddtrain.autograd.extend import defjvp, defvjp, primitive
from ddtrain.autograd.numpy.numpy_boxes import ArrayBox
from ddtrain.autograd.numpy.numpy_vjps import balanced_eq, match_complex, replace_zero, unbroadcast_f
from ddtrain.autograd.test_util import check_grads
from ddtrain.autograd.util import subval, subvals
from ddtrain.autograd.wrap_util import get_doc, get_name, unary_to_nary
from ddtrain.errors import DerivativeError

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
    bound = [
        "core",
        "differential_operators",
        "tracer",
        "util",
        "wrap_util",
        "builtins",
        "extend",
        "numpy.numpy_boxes",
        "numpy.numpy_vjps",
    ]
    ask = f"import ddtrain.autograd as a; [eval('a.' + name) for name in {bound}]"
    subprocess.run([sys.executable, "-W", "error", "-c", ask], check=True)


def test_every_way_to_import_a_part():
    ways = """
        import ddtrain.autograd.numpy.linalg as la
        import ddtrain.autograd.numpy.random as npr
        from ddtrain.autograd.numpy import fft, numpy_boxes
        from ddtrain.autograd.numpy.linalg import inv
        from ddtrain.autograd import numpy as np, grad
        import ddtrain.autograd.scipy.stats.norm as norm
        import ddtrain.autograd.scipy.special
        from ddtrain.autograd.scipy.stats import t, multivariate_normal
        from ddtrain.autograd.scipy import stats, linalg as scipy_linalg
        from ddtrain.autograd.misc.optimizers import adam
        from ddtrain.autograd.misc import flatten
        assert la.inv is inv and scipy_linalg.inv is not None and norm is stats.norm and stats.t is t
        assert ddtrain.autograd.scipy.special.expit(0.0) == 0.5
        assert grad(lambda x: np.sum(np.newaxis is None) + x)(1.0) == 1.0
    """
    script = "\n".join(line.strip() for line in ways.splitlines())
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_ddtrain_shadows_no_builtin():
    assert not {"dict", "isinstance", "list", "tuple", "type"} & set(vars(ddtrain))
    assert not {"dict", "isinstance", "list", "tuple", "type"} & set(autograd.__all__)


def test_operators_are_the_same_functions():
    parts = {"defvjp_argnum", "make_jvp_reversemode", "primitive", "unary_to_nary", "vspace"}
    for name in set(differential_operators.__all__) - parts:
        assert getattr(differential_operators, name) is getattr(ddtrain.autodiff, name)
    assert parts < set(differential_operators.__all__)


def test_tangents_by_reverse_rules_alone():
    twice = primitive(lambda x: 2.0 * x)
    defvjp(twice, lambda ans, x: lambda g: 2.0 * g)  # and no forward rule
    push = differential_operators.make_jvp_reversemode(lambda y, x: {"a": twice(x) * x, "b": np.sum(x)}, 1)(0.0, X)
    tangent = push(onp.array([1.0, -1.0]))
    onp.testing.assert_allclose(tangent["a"], 4 * X * [1.0, -1.0])
    assert tangent["b"] == 0.0


def test_a_function_of_the_library_is_given_other_rules(monkeypatch):
    for table in (np.tanh.vjps, np.tanh.jvps, np.subtract.vjps):
        monkeypatch.setitem(table, 0, table[0])
        monkeypatch.setitem(table, 1, table.get(1))
    defvjp(np.tanh, lambda ans, x: lambda g: g * 10.0)
    defvjp(np.subtract, lambda ans, x, y: lambda g: g * 5.0, argnums=(1,))
    defjvp(np.tanh, lambda g, ans, x: g * 20.0)
    assert grad(np.tanh)(0.5) == 10.0
    assert grad(lambda x: x - np.tanh(x))(0.5) == 51.0
    assert ddtrain.deriv(np.tanh)(0.5) == 20.0
    with pytest.raises(DerivativeError, match="median is not a primitive"):
        defvjp(np.median, lambda ans, x: lambda g: g)
    with pytest.raises(DerivativeError, match="linear is not a primitive"):  # which keeps what its kernels need
        defvjp(ddtrain.ops.linear, lambda ans, x: lambda g: g)


def test_rules_are_looked_up_taken_out_and_put_back():
    twice = primitive(lambda x: 2.0 * x)
    assert twice not in core.primitive_vjps
    defvjp(twice, lambda ans, x: lambda g: 2.0 * g)
    defjvp(twice, lambda g, ans, x: 2.0 * g)
    for rules, derivative in ((core.primitive_vjps, grad), (core.primitive_jvps, ddtrain.deriv)):
        assert np.floor not in rules
        assert rules.pop(np.median, None) is None
        assert np.sin in set(rules)
        for fun in (twice, np.sin):
            expected, kept = derivative(fun)(0.5), rules.pop(fun)
            assert fun not in rules
            with pytest.raises(NotImplementedError, match="rule for argument 0"):  # Autograd's error
                derivative(fun)(0.5)
            rules[fun] = kept
            assert derivative(fun)(0.5) == expected


def test_boxes_of_containers_are_named_in_annotations_only():
    seen: list[DictBox | dict] = []
    grad(lambda p: seen.append(p) or p["a"])({"a": 1.0})
    assert not isinstance(seen[0], DictBox | SequenceBox)


@pytest.mark.parametrize("argnum", [1, onp.int64(1), onp.array(1), (onp.int64(1),), onp.array([1])])
def test_a_position_may_be_of_any_type_that_counts(argnum):
    assert onp.ravel(grad(lambda x, y: x * y, argnum)(3.0, 2.0)) == 3.0
    assert onp.ravel(ddtrain.value_and_grad(lambda x, y: x * y, argnum)(3.0, 2.0)[1]) == 3.0
    assert onp.ravel(unary_to_nary(lambda f, x: f(x))(lambda x, y: onp.ravel(y), argnum)(3.0, 2.0)) == 2.0
    check_grads(lambda x, y: x * y, argnum)(3.0, 2.0)
