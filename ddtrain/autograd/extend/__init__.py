"""Autograd's ``extend``: primitives of one's own, with rules in Autograd's calling convention.

``defvjp(f, lambda ans, x: lambda g: ...)`` and ``defjvp(f, lambda g, ans, x: ...)``; arguments and results may be
nested lists, tuples and dicts. New code does better with ``ddtrain.autodiff``, whose rules are one function each.
"""

from ddtrain.autodiff import Box
from ddtrain.autodiff import Tangents as JVPNode
from ddtrain.autodiff import Tape as VJPNode
from ddtrain.autodiff import nondifferentiable as notrace_primitive
from ddtrain.autograd.extend._primitives import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    primitive,
    register_notrace,
)
from ddtrain.autograd.extend._spaces import SparseObject, VSpace, vspace

__all__ = [
    "Box",
    "JVPNode",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "notrace_primitive",
    "primitive",
    "register_notrace",
    "vspace",
]
