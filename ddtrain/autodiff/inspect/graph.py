"""``graph(f, *args)``: the steps of a function that a trace sees, as text or as a picture.

The printer is one more interpreter: a trace whose node of a value is the step that made it. Fused operations are one
step, as they are to a tape. Functions whose derivative is zero (comparisons, masks, positions) are steps, too, but
their results stay plain arrays, to be recognised by identity where they are used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import BOXES, Primitive, Trace, box
from ddtrain.autodiff.inspect.drawing import Graph, Node


def graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Graph:
    """Run ``fun(*args, **kwargs)`` and return the steps it took.

    Parameters
    ----------
    fun : any function of differentiable ones; a derivative, such as ``grad(f)``, is one, too
    args : numbers, arrays and nested structures of them; floating ones become inputs, named by the signature
    kwargs : passed on; constants to the trace

    >>> import ddtrain.numpy as np
    >>> graph(lambda w, x: np.sum(np.tanh(w * x)), 0.5, np.ones(3))
    <lambda>:
      w  = input           () float64    0.5
      x  = input           (3,) float64
      t1 = multiply(w, x)  (3,) float64
      t2 = tanh(t1)        (3,) float64
      t3 = sum(t2)         () float64    1.38635
      return t3
    """
    recorder = _Recorder(Graph(getattr(fun, "__name__", type(fun).__name__)))
    names = _names(fun, args)
    flat, rebuild = tree.flatten(args)
    out = fun(*rebuild([recorder.enter(leaf, name) for leaf, name in zip(flat, names, strict=True)]), **kwargs)
    leaves, rebuild = tree.flatten(out)
    recorder.graph.result = rebuild([recorder.leave(leaf) for leaf in leaves])
    return recorder.graph


class _Recorder(Trace):
    """The trace behind :func:`graph`: the node of a value is the step that made it."""

    __slots__ = ("_answer", "_counts", "_known", "graph")
    fuses = True
    sees_constants = True
    checks = True  # fused operations show their answers here; ``process`` gets what they save for backward

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        # nodes of plain arrays, by id; the nodes keep the arrays alive, so that no id is reused
        self._known: dict[int, Node] = {}
        self._counts = {"t": 0, "c": 0}
        self._answer: Any = None

    def enter(self, leaf: Any, name: str) -> Any:
        """A box for an argument that can be differentiated, or else the argument itself."""
        array = leaf if type(leaf) in BOXES else np.asarray(leaf)
        if array.dtype.kind not in "fc":
            if isinstance(leaf, np.ndarray):
                self.graph.inputs.append(self._remember(Node(name, leaf)))
            return leaf
        node = Node(name, array)
        self.graph.inputs.append(node)
        return box(array, self, node)

    def leave(self, leaf: Any) -> Any:
        """The node of a result, or the result itself if it is not traced."""
        if type(leaf) in BOXES and leaf._trace is self:
            return leaf.node
        return self._known.get(id(leaf), leaf)

    def checked_answer(self, prim: Primitive, ans: Any) -> None:
        self._answer = ans

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[Any],
    ) -> Node | None:
        if prim.compose is not None:
            ans, self._answer = self._answer, None
        traced = dict(zip(argnums, nodes, strict=True))
        operands = tuple(traced[i] if i in traced else self._operand(a) for i, a in enumerate(args))
        step = Node(self._fresh("t"), ans, prim, operands, dict(kwargs))
        self.graph.steps.append(step)
        if prim.differentiable:
            return step
        self._remember(step)
        return None

    def _operand(self, x: Any) -> Any:
        """A constant operand: an array becomes a node, the same one each time; numbers stay as they are."""
        if id(x) in self._known:
            return self._known[id(x)]
        if not isinstance(x, np.ndarray) or x.ndim == 0:
            return x
        constant = self._remember(Node(self._fresh("c"), x, operands=(x,)))
        self.graph.constants.append(constant)
        return constant

    def _remember(self, node: Node) -> Node:
        self._known[id(node.value)] = node
        return node

    def _fresh(self, letter: str) -> str:
        taken = {node.name for node in self.graph.inputs}
        self._counts[letter] += 1
        while f"{letter}{self._counts[letter]}" in taken:
            self._counts[letter] += 1
        return f"{letter}{self._counts[letter]}"


def _names(fun: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """The names of the leaves of ``args``, as the signature of ``fun`` has them."""
    try:
        parameters = [*inspect.signature(fun).parameters.values()]
    except (TypeError, ValueError):  # some functions written in C have no signature
        parameters = []
    heads = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
    heads += [f"{rest}[{k}]" for k in range(len(args) - len(heads))]
    return [head + path for head, arg in zip(heads, args, strict=False) for path in tree.paths(arg)]
