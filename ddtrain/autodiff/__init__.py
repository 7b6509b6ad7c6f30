"""Automatic differentiation: traces that watch primitives, rules, and the operators built on them.

Read ``core/`` (how a function is traced, and how derivatives run along the trace), then ``operators/`` (what people
call: ``grad`` and its relatives), then ``inspect/`` (looking at what is differentiated). ``table`` makes
``docs/differentiable.md``.
"""

from ddtrain.autodiff.core import array_lists  # takes lists of traced values for arrays
from ddtrain.autodiff.core.boxes import (
    BOXES,
    Array,
    Box,
    Primitive,
    Trace,
    array_like,
    is_recorded,
    register_box,
    value_of,
)
from ddtrain.autodiff.core.forward import Tangents, push_forward
from ddtrain.autodiff.core.fused import fused
from ddtrain.autodiff.core.outputs import Outputs, item, pack, unpack
from ddtrain.autodiff.core.primitives import PRIMITIVES, nondifferentiable, primitive
from ddtrain.autodiff.core.reverse import Tape, record, walk_back
from ddtrain.autodiff.core.rules import def_elementwise, def_linear, defjvp, defjvp_rest, defvjp, defvjp_rest
from ddtrain.autodiff.inspect.drawing import Graph
from ddtrain.autodiff.inspect.graph import graph
from ddtrain.autodiff.operators.check_grads import check_grads
from ddtrain.autodiff.operators.curvature import (
    hessian_tensor_product,
    hessian_vector_product,
    hvp,
    make_ggnvp,
    make_hvp,
)
from ddtrain.autodiff.operators.fixed_point import fixed_point
from ddtrain.autodiff.operators.flatten import flatten, flatten_func
from ddtrain.autodiff.operators.gradients import (
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    holomorphic_grad,
    multigrad_dict,
    value_and_grad,
)
from ddtrain.autodiff.operators.jacobians import hessian, jacobian
from ddtrain.autodiff.operators.recomputation import checkpoint
from ddtrain.autodiff.operators.vjp_jvp import (
    jvp,
    make_jvp,
    make_vjp,
    tensor_jacobian_product,
    vector_jacobian_product,
    vjp,
)

__all__ = [
    "Array",
    "BOXES",
    "PRIMITIVES",
    "Box",
    "Graph",
    "Outputs",
    "Primitive",
    "Tangents",
    "Tape",
    "Trace",
    "check_grads",
    "checkpoint",
    "def_elementwise",
    "def_linear",
    "defjvp",
    "defjvp_rest",
    "defvjp",
    "defvjp_rest",
    "deriv",
    "elementwise_grad",
    "fixed_point",
    "flatten",
    "flatten_func",
    "fused",
    "graph",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "hvp",
    "is_recorded",
    "item",
    "jacobian",
    "jvp",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "multigrad_dict",
    "nondifferentiable",
    "pack",
    "primitive",
    "array_like",
    "push_forward",
    "record",
    "register_box",
    "tensor_jacobian_product",
    "unpack",
    "value_and_grad",
    "value_of",
    "vector_jacobian_product",
    "vjp",
    "walk_back",
]
