"""Passes over a batch that update nothing: its loss at other values, and products with its Hessian.

They take the way of a training step (``train_step.py``): the same shards, the same random numbers, the same sums.

Note [Model and loss]
The generalised Gauss-Newton matrix is Jᵀ H J: of the model's outputs J is the Jacobian, and H the Hessian of the mean
loss in them; what is left out are the outputs' own second derivatives. The outputs are what modules return to the loss
function: of the whole model, once or in several calls, or of its parts. Parameters that the loss function reads itself,
as for a penalty, are outputs, too, so a loss that calls no module has its Hessian. A loss that takes derivatives of
what the model returns is no function of the outputs, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddtrain import data
from ddtrain.autodiff import hvp, make_ggnvp
from ddtrain.nn.model_outputs import ModelOutputs
from ddtrain.numpy import sum as traced_sum
from ddtrain.ops import use_communicator
from ddtrain.trainer.step.forward_pass import ForwardPass
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
        self._product(v, self._times_hessian)

    def gauss_newton_product(self, v: Any) -> None:
        """The same of the generalised Gauss-Newton matrix (Note [Model and loss])."""
        self._product(v, self._times_gauss_newton)

    def _product(self, v: Any, times: Callable[[ForwardPass, list[Any]], list[Any]]) -> None:
        """A product with a matrix of second derivatives, which is the sum of the shards'."""
        train_step, store = self._train_step, self._train_step.store
        places = zip(store.spans, store.value_views, strict=True)
        along = [v[span].reshape(view.shape) for span, view in places]
        with train_step.at(self._step):
            train_step.totals_exchange.begin(self._step)
            train_step.shards.map(lambda shard, peers: self._curvature(shard, peers, along, times))
            train_step.totals_exchange.wait()
            train_step.finish(train_step.gradient_buffer)

    def _evaluate(self, shard: int, peers: Any) -> ForwardPass:
        """The forward pass of one shard, whose totals are exchanged; returns it, to be called again."""
        train_step, store = self._train_step, self._train_step.store
        first, last = data.shard_bounds(len(self._rows), shard, train_step.shard_layout.count)
        forward = train_step.forward_pass(self._step, self._rows, first, last, store.dtype)
        with use_communicator(peers):
            train_step.phase = "forward"
            losses_N = forward(store.with_parameters(store.value_views))
            totals = Totals()
            totals.add(losses_N, forward.metrics)
            if train_step.totals_exchange.add(totals, forward.updates):
                train_step.totals_exchange.start()
        return forward

    def _curvature(
        self, shard: int, peers: Any, along: list[Any], times: Callable[[ForwardPass, list[Any]], list[Any]]
    ) -> None:
        """One shard's part of a product."""
        train_step, layout = self._train_step, self._train_step.shard_layout
        k = shard - layout.shards[0]
        forward = self._evaluate(shard, peers)
        if k == len(layout.shards) - 1:
            train_step.reducer.start()
        train_step.phase = "curvature"
        with use_communicator(peers):
            product = times(forward, along)
        for sink, part in zip(train_step.gradient_buffer.sinks[k], product, strict=True):
            sink(part)

    def product_of_one_shard(self, matrix: str, forward: ForwardPass, along: list[Any]) -> list[Any]:
        """A product of one shard alone, which is not added to the others'; not collective.

        Parameters
        ----------
        matrix : 'hessian' or 'gauss_newton'
        along : the direction, an array for each parameter
        """
        return (self._times_hessian if matrix == "hessian" else self._times_gauss_newton)(forward, along)

    def _times_hessian(self, forward: ForwardPass, along: list[Any]) -> list[Any]:
        store, count = self._train_step.store, len(self._rows)
        mean = lambda leaves: traced_sum(forward(store.with_parameters(leaves))) / count
        product: list[Any] = hvp(mean, (store.value_views,), along)
        return product

    def _times_gauss_newton(self, forward: ForwardPass, along: list[Any]) -> list[Any]:
        """Note [Model and loss]."""
        store, count = self._train_step.store, len(self._rows)
        outputs = ModelOutputs()

        def model(leaves: Any) -> Any:
            nonlocal outputs
            outputs = ModelOutputs(leaves)
            forward(store.with_parameters(leaves), outputs.record)
            return outputs.arrays, leaves

        def loss(outputs_and_leaves: Any) -> Any:
            arrays, leaves = outputs_and_leaves
            return traced_sum(forward(store.with_parameters(leaves), outputs.replay(arrays))) / count

        product: list[Any] = make_ggnvp(model, loss)(store.value_views)(along)
        return product
