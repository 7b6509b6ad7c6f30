"""Passes over a batch that update nothing: its loss at other values, and products with its Hessian.

They take the way of a training step (``train_step.py``): the same shards, the same random numbers, the same sums.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddtrain import data
from ddtrain.autodiff import hvp
from ddtrain.numpy import sum as traced_sum
from ddtrain.ops import use_communicator
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.train_step import TrainStep


class TrialPasses:
    """The passes of one rank, over one global batch. Its methods are collective.

    Parameters
    ----------
    train_step : whose store has the values, and whose reducer makes the sums
    step, rows : the batch, as for :meth:`TrainStep.gradients`
    """

    def __init__(self, train_step: TrainStep, step: int, rows: Any) -> None:
        self._train_step, self._step, self._rows = train_step, step, rows

    def loss(self) -> Totals:
        """The totals at the present values, without a gradient."""
        train_step = self._train_step
        with train_step.at(self._step):
            train_step.totals_exchange.begin(self._step)
            train_step.shards.map(self._evaluate)
            return train_step.totals_exchange.wait()[0]

    def hessian_product(self, v: Any) -> None:
        """Fill this rank's share of the gradients with that of the Hessian, at the present values, times ``v``.

        Parameters
        ----------
        v : (n,) a direction, as long as the parameters
        """
        train_step, store = self._train_step, self._train_step.store
        places = zip(store.spans, store.value_views, strict=True)
        along = [v[span].reshape(view.shape) for span, view in places]
        with train_step.at(self._step):
            train_step.totals_exchange.begin(self._step)
            train_step.shards.map(lambda shard, peers: self._curvature(shard, peers, along))
            train_step.totals_exchange.wait()
            train_step.finish(train_step.gradient_buffer)

    def _evaluate(self, shard: int, peers: Any) -> Callable[..., Any]:
        """The forward pass of one shard, whose totals are exchanged; returns its losses as a function of the values."""
        train_step, store = self._train_step, self._train_step.store
        first, last = data.shard_bounds(len(self._rows), shard, train_step.shard_layout.count)
        forward = train_step.forward_pass(self._step, self._rows, first, last, store.dtype)

        def losses_of(*leaves: Any) -> Any:
            return forward(store.with_parameters(leaves))

        with use_communicator(peers):
            train_step.phase = "forward"
            losses_N = losses_of(*store.value_views)
            totals = Totals()
            totals.add(losses_N, forward.metrics)
            if train_step.totals_exchange.add(totals, forward.updates):
                train_step.totals_exchange.start()
        return losses_of

    def _curvature(self, shard: int, peers: Any, along: list[Any]) -> None:
        """One shard's part of a product with the Hessian."""
        train_step, layout = self._train_step, self._train_step.shard_layout
        k, count = shard - layout.shards[0], len(self._rows)
        losses_of = self._evaluate(shard, peers)
        if k == len(layout.shards) - 1:
            train_step.reducer.start()
        train_step.phase = "curvature"
        mean = lambda leaves: traced_sum(losses_of(*leaves)) / count
        with use_communicator(peers):
            product = hvp(mean, (train_step.store.value_views,), along)
        for sink, part in zip(train_step.gradient_buffer.sinks[k], product, strict=True):
            sink(part)
