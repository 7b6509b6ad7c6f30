"""Where Autograd keeps ``const_graph``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddtrain.autograd._absent import absent
from ddtrain.plan import const_graph

__all__ = ["const_graph", "const_graph_unary"]

_GRAPH = "ddtrain.graph(f, *args) holds the steps with shapes and parents, as text, DOT or a picture"
_TRACES = "a trace is a subclass of ddtrain.autodiff.Trace, and its nodes what its process() returns"
__getattr__ = absent(
    __name__,
    {
        "ConstGraphNode": "const_graph(f) records and replays",
        "FullGraphNode": _GRAPH,
        "Node": _TRACES,
        "full_graph": _GRAPH,
        "trace": _TRACES,
    },
)


def const_graph_unary(fun: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """:func:`const_graph` of a function of one argument."""
    return const_graph(fun)
