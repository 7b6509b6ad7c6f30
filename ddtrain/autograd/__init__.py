"""HIPS Autograd's names, at Autograd's places.

A program written for Autograd runs when ``autograd`` in its imports becomes ``ddtrain.autograd``. Nothing here is new,
and nothing else in the project imports it: each module stands where Autograd has one and takes its names from
``ddtrain.autodiff``, ``ddtrain.numpy`` and ``ddtrain.scipy``. What differs in Autograd, such as the convention of
``defvjp`` in ``extend`` and containers in ``builtins``, is kept here alone.

>>> import ddtrain.autograd.numpy as np
>>> from ddtrain.autograd import grad
>>> grad(lambda x: np.sum(np.tanh(x) ** 2))(np.array([0.5, -1.0]))
array([ 0.72686198, -0.63970001])
"""

from ddtrain.autograd import core, numpy, tracer, util
from ddtrain.autograd.builtins import dict, isinstance, list, tuple, type
from ddtrain.autograd.differential_operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)
from ddtrain.autograd.extend import primitive

__all__ = [
    "checkpoint", "deriv", "elementwise_grad", "grad", "grad_and_aux", "grad_named", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "jacobian", "make_ggnvp", "make_hvp",
    "make_jvp", "make_vjp", "multigrad_dict", "primitive", "tensor_jacobian_product", "value_and_grad",
    "vector_jacobian_product",
]  # fmt: skip  # a star import changes no builtin
