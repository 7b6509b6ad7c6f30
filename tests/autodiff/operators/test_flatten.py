"""Structures to vectors and back, both ways under a derivative."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import flatten as exported
from ddtrain.autodiff import check_grads, grad, jacobian
from ddtrain.autodiff.operators.flatten import flatten, flatten_func

TREE = {"b": [onp.arange(6.0).reshape(2, 3), -1.0], "a": (onp.zeros((0, 2)), onp.array([7.0]))}


def test_there_and_back():
    vector, unflatten = flatten(TREE)
    onp.testing.assert_array_equal(vector, [7, 0, 1, 2, 3, 4, 5, -1])
    back = unflatten(vector)
    onp.testing.assert_array_equal(back["b"][0], TREE["b"][0])
    assert back["a"][0].shape == (0, 2)
    assert back["b"][1].shape == ()
    assert exported is flatten


@pytest.mark.parametrize("value", [3.0, [], onp.ones((2, 2)), onp.arange(3), {"n": 2, "x": 1.0}])
def test_odd_values(value):
    vector, unflatten = flatten(value)
    assert vector.ndim == 1
    assert vector.dtype.kind == "f"
    assert repr(flatten(unflatten(vector))[0]) == repr(vector)


def test_dtypes():
    assert flatten([onp.ones(2, onp.float32), onp.ones(1, onp.float32)])[0].dtype == onp.float32
    vector, unflatten = flatten([onp.ones(2), 1 + 2j])
    assert vector.dtype == onp.complex128
    x, z = unflatten(vector * 1j)
    assert x.dtype == onp.float64
    assert z == -2 + 1j


def test_derivatives_of_both():
    check_grads(lambda p: flatten(p)[0] ** 2, order=2)(TREE)
    vector, unflatten = flatten(TREE)
    g = grad(lambda v: np.sum(unflatten(v)["b"][0] ** 2) * unflatten(v)["a"][1][0])(vector)
    onp.testing.assert_array_equal(g, [55, 0, 14, 28, 42, 56, 70, 0])
    onp.testing.assert_array_equal(jacobian(lambda v: flatten(unflatten(v))[0])(vector), onp.eye(8))


def test_a_vector_of_another_length():
    with pytest.raises(ValueError, match=r"shape \(7,\) for a structure of 8 numbers"):
        flatten(TREE)[1](onp.ones(7))


def test_a_function_of_vectors():
    of_vector, unflatten, x = flatten_func(lambda p, k: [p["a"] * k, p["b"] ** 2], {"b": 3.0, "a": onp.ones(2)})
    onp.testing.assert_array_equal(x, [1.0, 1.0, 3.0])
    onp.testing.assert_array_equal(of_vector(x, 5.0), [5.0, 5.0, 9.0])
    onp.testing.assert_array_equal(jacobian(of_vector)(x, 5.0), onp.diag([5.0, 5.0, 6.0]))
    assert unflatten(x)["b"] == 3.0
