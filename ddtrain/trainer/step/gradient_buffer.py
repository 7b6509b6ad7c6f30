"""The gradient of one step: its rows, what adds to them, and the reducer that sums them over the ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddtrain.parallel import Accumulator, Reducer, ShardLayout
from ddtrain.param_store import ParamStore

Sink = Callable[[Any], None]


class GradientBuffer:
    """Where the gradients of one step go.

    Parameters
    ----------
    store : the parameters
    rows : this rank's rows, one for each of ``layout.blocks``; with one shard, ``store.grads`` or one like it
    reducer : sums them

    Attributes
    ----------
    grads : the first row, in whose ``reducer.spans`` the sum will be
    sinks : for each of this rank's shards, a function for each parameter that takes its gradient
    nbytes : memory of the rows and of the vectors in which shards are added up
    """

    def __init__(self, store: ParamStore, rows: Any, layout: ShardLayout, reducer: Reducer) -> None:
        self.grads, self.reducer = rows[0], reducer
        shapes = [view.shape for view in store.value_views]
        self._views = [rows[0][span].reshape(shape) for span, shape in zip(store.spans, shapes, strict=True)]
        self._accumulator = Accumulator(list(rows), layout.blocks, store.spans, shapes)
        self.nbytes = self._accumulator.nbytes
        self._last = len(layout.shards) - 1
        self.sinks = [[self._sink(k, i) for i in range(len(store.names))] for k in range(len(layout.shards))]

    def _sink(self, k: int, i: int) -> Sink:
        """The function that takes gradient ``i`` of this rank's k-th shard."""
        ready, last = self.reducer.ready, k == self._last
        if self._last == 0:
            view = self._views[i]

            def write(g: Any) -> None:
                view[...] = 0 if g is None else g
                ready(i)

            return write

        def add(g: Any) -> None:
            self._accumulator.add(k, i, g)
            if last:
                ready(i)

        return add
