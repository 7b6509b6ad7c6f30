"""The calls of a model's layers in one forward pass, in order, with what a function makes of each.

A bound model's ``run.watcher`` is told of every call. A layer that is called twice makes two calls here; a layer within
another is a call within its call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ddtrain.autodiff import value_of
from ddtrain.nn import Module


@dataclass
class LayerCall:
    """One call of one layer.

    Attributes
    ----------
    path, kind : of the layer, its place in the model and its class; the model itself has the path ""
    depth : how many calls it is within
    outputs : the arrays that it returned, without their traces
    """

    path: str
    kind: str
    depth: int
    outputs: tuple[Any, ...] = ()


class LayerCalls:
    """What ``run.watcher`` may be: remembers the calls.

    Attributes
    ----------
    calls : in order of their beginnings
    ended : the same in order of their ends: a layer comes before the one that it is within

    >>> from ddtrain import nn
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> net, seen = model.bind(model.init(0)), LayerCalls()
    >>> net.run.watcher = seen
    >>> _ = net(np.ones((4, 2), np.float32))
    >>> [(call.path, call.kind, call.outputs[0].shape) for call in seen.calls]
    [('', 'Sequential', (4, 1)), ('0', 'Linear', (4, 3)), ('1', 'Linear', (4, 1))]
    """

    def __init__(self) -> None:
        self.calls: list[LayerCall] = []
        self.ended: list[LayerCall] = []
        self._open: list[int] = []  # positions in ``calls`` of those that are not over, the innermost last

    @property
    def position(self) -> int:
        """The innermost call that is not over, by its place in ``calls``; -1 outside of any."""
        return self._open[-1] if self._open else -1

    def enter(self, module: Module) -> None:
        """Called before a layer's forward."""
        self.calls.append(LayerCall(module._path, type(module).__name__, len(self._open)))
        self._open.append(len(self.calls) - 1)

    def leave(self, module: Module, output: Any) -> None:
        """Called after it, with what it returned."""
        call = self.calls[self._open.pop()]
        call.outputs = tuple(arrays_in(value_of_all(output)))
        self.ended.append(call)


def value_of_all(x: Any) -> Any:
    """A value without its traces, however many, also within tuples, lists and dicts."""
    if isinstance(x, dict):
        return {key: value_of_all(item) for key, item in x.items()}
    if isinstance(x, tuple | list):
        return [value_of_all(item) for item in x]
    return value_of(x)


def arrays_in(x: Any) -> list[Any]:
    """The arrays of nested tuples, lists and dicts.

    >>> len(arrays_in([np.ones(2), (np.ones(1), None), {"a": np.ones(3)}, "text"]))
    3
    """
    if isinstance(x, np.ndarray | np.generic):
        return [np.asarray(x)]
    items = x.values() if isinstance(x, dict) else x if isinstance(x, tuple | list) else ()
    return [array for item in items for array in arrays_in(item)]
