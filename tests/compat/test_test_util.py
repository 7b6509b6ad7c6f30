"""Autograd's checks, by its calling convention."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import PRIMITIVES, defjvp, defvjp, primitive
from ddtrain.autograd.test_util import (
    check_equivalent,
    check_grads,
    check_jvp,
    check_vjp,
    combo_check,
    make_numerical_jvp,
    scalar_close,
)

X = onp.array([0.3, -0.8])


@pytest.fixture
def wrong():
    """x^2 y, wrong by y in reverse mode."""
    before = len(PRIMITIVES)
    prim = primitive(lambda x, y: x**2 * y, name="wrong")
    del PRIMITIVES[before:]
    defvjp(prim, lambda g, ans, x, y: 2 * g * x * y, lambda g, ans, x, y: g * x)
    defjvp(prim, lambda g, ans, x, y: 2 * g * x * y, lambda g, ans, x, y: g * x**2)
    return prim


def test_only_the_argument_asked_for_is_checked(wrong):
    check_grads(wrong, order=1)(X, 2.0)
    check_grads(wrong, 1, modes=["fwd"], order=1)(X, 2.0)
    with pytest.raises(AssertionError, match="wrong, order 1, rev"):
        check_grads(wrong, (0, 1), order=1)(X, 2.0)


def test_one_mode(wrong):
    check_jvp(lambda y: wrong(X, y), 2.0)
    with pytest.raises(AssertionError, match="rev"):
        check_vjp(lambda y: wrong(X, y), 2.0)


def test_every_combination(wrong):
    calls = []
    combo_check(lambda x, y, k=0: (calls.append(1), np.sum(x * y) + k)[1], (0, 1), order=1)([X, 2 * X], [1.0], k=[1, 2])
    assert len(calls) > 4
    with pytest.raises(AssertionError, match="rev"):
        combo_check(wrong, [1], order=1)([onp.ones(2), X], [2.0])


def test_equivalence():
    check_equivalent({"a": [1.0]}, {"a": [onp.float64(1.0)]})
    with pytest.raises(AssertionError, match=r"float64 \(2,\)\) is not VSpace\(float64 \(3,\)\)"):
        check_equivalent(onp.ones(2), onp.ones(3))
    with pytest.raises(AssertionError, match=r"is not \["):
        check_equivalent(onp.ones(2), 2 * onp.ones(2))


def test_closeness_is_absolute_or_relative():
    assert scalar_close(0.0, 0.9e-6)
    assert scalar_close(1e6, 1e6 + 1)
    assert not scalar_close(0.0, 1.1e-6)
    assert not scalar_close(1.0, 1.0 + 1e-5)


def test_numerical_derivative_of_structures():
    jvp = make_numerical_jvp(lambda p: {"y": p["a"] * p["b"]}, {"a": X, "b": 2.0})
    # central differences of a product are exact but for rounding, 1e-16 / 1e-6
    onp.testing.assert_allclose(jvp({"a": onp.ones(2), "b": 3.0})["y"], 2.0 + 3 * X, rtol=1e-8)
