"""Automatic differentiation: a tracer, two interpreters, and the operators built on them.

Reading order: ``tracer`` (boxes and primitives), ``rules`` (derivatives as a table), ``space`` (adding and fitting
cotangents), ``reverse`` and ``forward`` (the two walks), ``fused`` (one step that stands for many), ``operators``,
``check`` (derivatives against finite differences).
"""

from ddtrain.autodiff.check import check_grads
from ddtrain.autodiff.forward import Tangents, push_forward
from ddtrain.autodiff.fused import fused
from ddtrain.autodiff.operators import (
    elementwise_grad,
    grad,
    grad_and_aux,
    hessian,
    hvp,
    jacobian,
    jvp,
    make_hvp,
    make_jvp,
    make_vjp,
    value_and_grad,
    vjp,
)
from ddtrain.autodiff.outputs import Outputs, item, pack, unpack
from ddtrain.autodiff.reverse import Tape, record, walk_back
from ddtrain.autodiff.rules import def_elementwise, def_linear, defjvp, defjvp_rest, defvjp, defvjp_rest
from ddtrain.autodiff.tracer import (
    BOXES,
    PRIMITIVES,
    Box,
    Primitive,
    Trace,
    nondifferentiable,
    primitive,
    register_box,
    value_of,
)

__all__ = [
    "BOXES",
    "PRIMITIVES",
    "Box",
    "Outputs",
    "Primitive",
    "Tangents",
    "Tape",
    "Trace",
    "check_grads",
    "def_elementwise",
    "def_linear",
    "defjvp",
    "defjvp_rest",
    "defvjp",
    "defvjp_rest",
    "elementwise_grad",
    "fused",
    "grad",
    "grad_and_aux",
    "hessian",
    "hvp",
    "item",
    "jacobian",
    "jvp",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "nondifferentiable",
    "pack",
    "primitive",
    "push_forward",
    "record",
    "register_box",
    "unpack",
    "value_and_grad",
    "value_of",
    "vjp",
    "walk_back",
]
