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
        views = [rows[0][span].reshape(shape) for span, shape in zip(store.spans, shapes, strict=True)]
        accumulator = Accumulator(list(rows), layout.blocks, store.spans, shapes)
        self.nbytes = accumulator.nbytes
        several = len(layout.shards_by_rank) > 1
        count = len(layout.shards)
        self.sinks = [ShardSinks(reducer, views, accumulator, k, count, several) for k in range(count)]


class ShardSinks(list[Sink]):
    """Where the gradients of one of this rank's shards go: ``sinks[i](g)``, by the number of the parameter.

    A rank's only shard writes its gradients where they are summed from, so a plan may do that itself
    (:class:`ddtrain.plan.deliver.Sinks`).

    Parameters
    ----------
    views : the parameters' places in the gradient's first row
    k, count : which of the rank's shards it is, and how many those are
    several : whether other ranks wait for these gradients
    """

    def __init__(
        self, reducer: Reducer, views: list[Any], accumulator: Accumulator, k: int, count: int, several: bool
    ) -> None:
        self._views, self._accumulator = views, accumulator
        self._k, self._alone, self._is_last = k, count == 1, k == count - 1
        self.ready = reducer.ready
        self._ends = {bucket.members[-1] for bucket in reducer.buckets if several and bucket.members}
        super().__init__(self._writer(i) if self._alone else self._adder(i) for i in range(len(views)))

    def target(self, i: int) -> Any:
        """Where gradient ``i`` is to be written, before ``ready(i)``; None where it must be handed to ``sinks[i]``."""
        return self._views[i] if self._alone else None

    def completes(self, i: int) -> bool:
        """Whether gradient ``i`` is the last of a bucket that other ranks wait for."""
        return i in self._ends

    def _writer(self, i: int) -> Sink:
        view, ready = self._views[i], self.ready

        def write(g: Any) -> None:
            view[...] = 0 if g is None else g
            ready(i)

        return write

    def _adder(self, i: int) -> Sink:
        def add(g: Any) -> None:
            self._accumulator.add(self._k, i, g)
            if self._is_last:
                self.ready(i)

        return add
