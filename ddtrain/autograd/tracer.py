"""Autograd's ``tracer``: what tells a traced value from a plain one. Ours is ``ddtrain.autodiff.core.boxes``."""

from __future__ import annotations

from typing import Any

from ddtrain.autodiff import BOXES, Box
from ddtrain.autodiff import value_of as getval
from ddtrain.autograd._absent import absent
from ddtrain.autograd.extend import notrace_primitive, primitive, register_notrace
from ddtrain.autograd.util import subvals

__all__ = ["Box", "getval", "isbox", "notrace_primitive", "primitive", "register_notrace", "subvals"]

_TRACES = "a trace is a subclass of ddtrain.autodiff.Trace, and its nodes what its process() returns"
_STEPS = "ddtrain.graph(f, *args) holds the steps, in order"
__getattr__ = absent(
    __name__,
    {
        "Node": _TRACES,
        "TraceStack": _TRACES,
        "find_top_boxed_args": _TRACES,
        "new_box": _TRACES,
        "trace": _TRACES,
        "trace_stack": _TRACES,
        "toposort": _STEPS,
        "wraps": "functools.wraps carries name and docstring",
        "box_type_mappings": "ddtrain.autodiff.register_box says which box holds values of which types",
        "box_types": "isbox(x) tells whether x is boxed",
        "notrace_primitives": "register_notrace enters a function",
        "trace_primitives_map": "functions of NumPy find their counterparts in ddtrain.numpy by themselves",
    },
)


def isbox(x: Any) -> bool:
    """Whether ``x`` is a value under a trace.

    >>> isbox(1.0)
    False
    """
    return type(x) in BOXES
