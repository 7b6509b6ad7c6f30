"""``isinstance`` and ``type`` that see through boxes."""

import numpy as onp
import pytest

import ddtrain.autograd
import ddtrain.numpy as np
from ddtrain import grad, jvp
from ddtrain.autograd import builtins
from ddtrain.autograd.extend import Box

X = onp.array([0.3, -0.8])


@pytest.mark.parametrize("derivative", [grad, lambda f: lambda x: jvp(f, (x,), (x,))[0]])
def test_traced_values_have_the_type_they_would_have(derivative):
    seen = []

    def looks(x, y=None):
        for value in (x, np.sum(x), x[0]):
            seen.append([builtins.isinstance(value, c) for c in (float, onp.ndarray, (int, onp.ndarray), Box, complex)])
            seen.append(builtins.type(value))
        return np.sum(x)

    derivative(looks)(X)
    array, scalar = [False, True, True, True, False], [True, False, False, True, False]
    assert seen == [array, onp.ndarray, scalar, onp.float64, scalar, onp.float64]
    derivative(lambda z: np.abs(z) if builtins.isinstance(z, complex) else 0 / 0)(1j)
    grad(lambda x: grad(lambda y: y * x if builtins.isinstance(y * x, float) else None)(x))(2.0)  # two boxes deep


def test_plain_values_are_left_alone():
    assert builtins.isinstance(onp.ones(()), onp.ndarray)
    assert not builtins.isinstance(onp.ones(()), float)
    assert builtins.type(3) is int
    assert builtins.isinstance([], list)


def test_containers_are_the_plain_ones():
    assert builtins.dict is dict
    assert builtins.list is list
    assert builtins.tuple is tuple


def test_the_package_has_autograds_names():
    names = """checkpoint deriv dict elementwise_grad grad grad_and_aux grad_named hessian hessian_tensor_product
        hessian_vector_product holomorphic_grad isinstance jacobian list make_ggnvp make_hvp make_jvp make_vjp
        multigrad_dict primitive tensor_jacobian_product tuple type value_and_grad vector_jacobian_product"""
    assert [name for name in names.split() if not hasattr(ddtrain.autograd, name)] == []
