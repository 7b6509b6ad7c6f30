"""The steps that a model takes from its inputs to its outputs, by tracing it twice, with batches of different sizes.

What does not depend on the inputs becomes a constant. What differs between the two traces without being a step of them
would be a constant that is right for one batch alone: a mask made of the inputs by plain NumPy, say. It is refused.
"""

# N samples

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import tree
from ddtrain.autodiff import value_of
from ddtrain.autodiff.inspect.drawing import Graph, Node
from ddtrain.autodiff.inspect.graph import graph
from ddtrain.errors import UsageError
from ddtrain.nn import Module


class TracedModel:
    """A model's steps for any number of samples.

    Parameters
    ----------
    model : unbound
    values : of its parameters and buffers, by path
    first, second : its arguments, for two different numbers of samples

    Attributes
    ----------
    inputs, outputs : nodes
    steps : those that depend on the inputs, in order
    names : of nodes that are values of the model: their paths
    varying : the nodes that depend on the inputs, which they are, too

    Raises
    ------
    UsageError : something would be a constant that differs from batch to batch
    """

    def __init__(self, model: Module, values: Mapping[str, Any], first: Sequence[Any], second: Sequence[Any]) -> None:
        one, two = (_trace(model, values, batch) for batch in (first, second))
        count = len(first)
        self.inputs = one.inputs[-count:]
        paths = [path[2:-2] for path in tree.paths(dict(values))]  # "['first.weight']" without brackets
        self.names = {id(node): path for node, path in zip(one.inputs, paths, strict=False)}
        self.outputs = [leaf for leaf in tree.flatten(one.result)[0] if isinstance(leaf, Node)]
        if len(one.steps) != len(two.steps) or len(self.outputs) != len(tree.flatten(one.result)[0]):
            raise UsageError("export: the model takes other steps for other samples", remedy=_TRACED)
        depends = {id(node) for node in self.inputs}
        self._twin = dict(zip(map(id, _nodes(one)), _nodes(two), strict=False))
        self.steps: list[Node] = []
        for step in one.steps:
            if any(id(node) in depends for node in operands_of(step)):
                depends.add(id(step))
                self.steps.append(step)
        self.varying = frozenset(depends)

    def is_fixed(self, node: Node) -> bool:
        """Whether a constant is the same for both batches."""
        here, there = value_of(node.value), value_of(self._twin[id(node)].value)
        return bool(np.shape(here) == np.shape(there) and np.array_equal(here, there, equal_nan=True))

    def is_zero(self, node: Node) -> bool:
        """Whether a constant is 0 for both batches."""
        return not (array_of(node).any() or array_of(self._twin[id(node)]).any())

    def shape(self, node: Node) -> tuple[int, ...]:
        """The shape of a node, with -1 for the axis that grows with the number of samples.

        Raises
        ------
        UsageError : several axes do
        """
        here, there = np.shape(value_of(node.value)), np.shape(value_of(self._twin[id(node)].value))
        shape = tuple(a if a == b else -1 for a, b in zip(here, there, strict=True))
        if shape.count(-1) > 1:
            raise UsageError(f"export: {node.call}: several axes of {here} grow with the samples", remedy=_TRACED)
        return shape


_TRACED = "Write the model of traced functions, whatever the samples are."


def _trace(model: Module, values: Mapping[str, Any], batch: Sequence[Any]) -> Graph:
    def called(values: Any, *x: Any) -> Any:
        return model.bind(values)(*x)

    with np.errstate(all="ignore"):
        found = graph(called, dict(values), *batch)
    if len(found.inputs) < len(batch) + len([x for x in values.values() if np.asarray(x).dtype.kind == "f"]):
        raise UsageError("export: an argument of the model is no array", remedy="Give arrays.")
    return found


def _nodes(traced: Graph) -> list[Node]:
    return [*traced.inputs, *traced.constants, *traced.steps]


def operands_of(step: Node) -> list[Node]:
    """The nodes among a step's operands, also those within tuples, such as an index of arrays."""
    return [leaf for operand in step.operands for leaf in tree.flatten(operand)[0] if isinstance(leaf, Node)]


def array_of(node: Node) -> NDArray[Any]:
    """The value of a node."""
    return np.asarray(value_of(node.value))
