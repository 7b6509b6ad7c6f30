"""Where Autograd keeps its operators, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddtrain.autodiff import (
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
from ddtrain.autograd.core import make_jvp as _make_jvp  # noqa: F401  # as Autograd has it there, and geomstats takes it
from ddtrain.autograd.core import make_vjp as _make_vjp
from ddtrain.autograd.extend import defvjp_argnum, primitive, vspace
from ddtrain.autograd.wrap_util import unary_to_nary

__all__ = [
    "checkpoint", "defvjp_argnum", "deriv", "elementwise_grad", "grad", "grad_and_aux", "grad_named", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "jacobian", "make_ggnvp", "make_hvp",
    "make_jvp", "make_jvp_reversemode", "make_vjp", "multigrad_dict", "primitive", "tensor_jacobian_product",
    "unary_to_nary", "value_and_grad", "vector_jacobian_product", "vspace",
]  # fmt: skip


@unary_to_nary
def make_jvp_reversemode(fun: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    """The function of a tangent ``v`` that returns the derivative of ``fun`` along it, by reverse rules alone.

    The product with the transposed Jacobian is linear, and its transpose is the product with the Jacobian:
    j-towns.github.io/2017/06/12/A-new-trick.html. :func:`make_jvp` is quicker, and needs forward rules.

    >>> make_jvp_reversemode(lambda x: x**2)(3.0)(1.0)
    array(6.)
    """
    pull, value = _make_vjp(fun, x)
    return _make_vjp(pull, vspace(value).zeros())[0]
