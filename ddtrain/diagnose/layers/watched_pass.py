"""A forward and backward pass that takes down what every layer gives, and what gradient comes back to it.

Outputs are those of modules without modules inside, and of activations that a module computes by functions; gradients
are those of the mean loss of all ranks' samples by these outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.autodiff import Primitive, Tape, record, value_of, walk_back
from ddtrain.autodiff.core.boxes import BOXES
from ddtrain.comm.agreement import check_same
from ddtrain.current_layer import LAYER
from ddtrain.diagnose.layers.statistics import Statistics, Sums, of_ranks, thresholds_of, thresholds_of_operation
from ddtrain.diagnose.protocol import Step
from ddtrain.nn import Module
from ddtrain.ops import use_communicator

_ACTIVATIONS = frozenset(
    ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh")
)


@dataclass(frozen=True)
class LayerOutput:
    """What a layer gave in a pass over all ranks' samples, and got back.

    Attributes
    ----------
    path, kind : of the layer, its place in the model and its class; of a function, the layer that calls it and its name
    outputs : their statistics
    gradient : the norm of the mean loss's derivative by the outputs; NaN where the backward pass does not see them, as
        within :func:`ddtrain.autodiff.checkpoint`
    """

    path: str
    kind: str
    outputs: Statistics
    gradient: float


def watch_layers(train_step: Step, step: int, rows: Any) -> list[LayerOutput]:
    """What the layers do in the training step ``step`` with the batch ``rows``. Collective; changes nothing.

    Returns
    -------
    The layers in the order of their calls, the same on every rank; a second call of a layer is called "path, call 2".

    Raises
    ------
    UsageError : on all ranks, if they call different layers
    """
    store, count = train_step.store, train_step.shard_layout.count

    def watched(shard: int, peers: Any) -> list[_Seen]:
        first, last = data.shard_bounds(len(rows), shard, count)
        forward = train_step.forward_pass(step, rows, first, last, store.dtype)
        watcher: list[_Watcher] = []

        def losses_of(*leaves: Any) -> Any:
            return forward(store.with_parameters(leaves), watcher=watcher[0])

        def tape(n_leaves: int) -> _WatchedTape:
            made = _WatchedTape(n_leaves)
            watcher.append(_Watcher(made))
            return made

        with use_communicator(peers), np.errstate(all="ignore"):
            losses_N, walked, end = record(losses_of, store.value_views, tape)
            watcher[0].tape.wanted = {seen.node: None for seen in watcher[0].seen}
            walk_back(walked, end, np.full(losses_N.shape, 1 / len(rows), losses_N.dtype))
        return [replace(seen, square=watcher[0].tape.square(seen.node)) for seen in watcher[0].seen]

    shards = train_step.shards.map(watched)
    names = _names(shards[0])
    check_same(train_step.comm, "the list of layers that are called", ", ".join(names))
    whole = [_together(parts) for parts in zip(*shards, strict=True)]
    squares = np.array([seen.square for seen in whole])
    train_step.comm.allreduce(squares)
    found = of_ranks(train_step.comm, [seen.sums for seen in whole])
    return [
        LayerOutput(name, seen.kind, outputs, math.sqrt(square))
        for name, seen, outputs, square in zip(names, whole, found, squares, strict=True)
    ]


@dataclass(frozen=True)
class _Seen:
    """One call of a layer or a function on one shard; ``square`` is that of its gradient."""

    path: str
    kind: str
    node: int
    sums: Sums
    square: float = math.nan


def _together(parts: Sequence[_Seen]) -> _Seen:
    sums, square = parts[0].sums, parts[0].square
    for part in parts[1:]:
        sums, square = sums + part.sums, square + part.square
    return replace(parts[0], sums=sums, square=square)


def _names(seen: Sequence[_Seen]) -> list[str]:
    calls: dict[tuple[str, str], int] = {}
    names = []
    for each in seen:
        key = each.path, each.kind
        calls[key] = calls.get(key, 0) + 1
        names.append(each.path if calls[key] == 1 else f"{each.path}, call {calls[key]}")
    return names


class _WatchedTape(Tape):
    """A tape that tells of activations, and adds up the cotangents of the steps that are wanted."""

    __slots__ = ("answer", "called", "wanted")
    checks = True  # to be told of answers of fused operations, and of cotangents

    def __init__(self, n_leaves: int) -> None:
        super().__init__(n_leaves)
        self.wanted: dict[int, Any] = {}
        self.called: list[_Seen] = []  # activations that are functions
        self.answer: Any = None

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[int],
    ) -> int:
        index = super().process(prim, ans, args, kwargs, argnums, nodes)
        if prim.__name__ in _ACTIVATIONS:
            output = np.asarray(value_of(self.answer if prim.joint is not None else ans))
            levels = thresholds_of_operation(prim.__name__, [*args[1:], *kwargs.values()])
            self.called.append(_Seen(LAYER.get(), prim.__name__, index, Sums.of(output, levels)))
        return index

    def checked_answer(self, prim: Primitive, ans: Any) -> None:
        self.answer = ans

    def checked_cotangent(self, index: int, position: int, g: Any) -> None:
        parent = self.entries[index][-1][position]
        if parent in self.wanted:
            so_far = self.wanted[parent]
            self.wanted[parent] = np.array(value_of(g), np.float64) + (0.0 if so_far is None else so_far)

    def square(self, node: int) -> float:
        """Of the whole cotangent of a step: 0 where the loss does not depend on it, NaN where it is not on the tape."""
        g = self.wanted.get(node)
        return math.nan if node < 0 else 0.0 if g is None else float(np.vdot(g, g))


class _Watcher:
    """Is told of the calls of modules, see ``run.watcher``."""

    def __init__(self, tape: _WatchedTape) -> None:
        self.tape = tape
        self.seen: list[_Seen] = []
        self._inner: list[int] = []  # modules called so far within each of those that are not over

    def enter(self, module: Module) -> None:
        if self._inner:
            self._inner[-1] += 1
        self._inner.append(0)

    def leave(self, module: Module, output: Any) -> None:
        output = output[0] if isinstance(output, tuple) and output else output
        leaf = not self._inner.pop()
        node = output.node if type(output) in BOXES and output._trace is self.tape else -1
        functions, self.tape.called = self.tape.called, []
        if not leaf:
            self.seen += functions
            return
        x, path = np.asarray(value_of(output)), module._path or type(module).__name__
        levels = thresholds_of(module)
        self.seen += [called for called in functions if called.node != node or called.path != path]
        if x.dtype.kind == "f" and x.size + x.ndim:
            self.seen.append(_Seen(path, type(module).__name__, node, Sums.of(x, levels)))
