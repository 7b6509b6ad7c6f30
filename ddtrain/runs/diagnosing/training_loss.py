"""The mean loss of several batches as a function of the weights, with its exact second derivatives, over ranks.

Each batch is computed as a step of training is: batch-norm has the moments of the batch, dropout draws the numbers of
its step, and the same ones at every point. The mean is weighted by the numbers of samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Array
from ddtrain.trainer.config.config import Comm
from ddtrain.trainer.modes.batch_objective import BatchObjective
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.step.setup import shared_allocator
from ddtrain.trainer.step.train_step import TrainStep


class TrainingLoss:
    """An :class:`~ddtrain.optim.batch_methods.protocol.Objective` of several batches. Its methods are collective.

    Parameters
    ----------
    train_step : whose store has the buffers, and is given the weights of every point that is asked for
    batches : of each the step that it is of, and its rows

    Attributes
    ----------
    sizes, samples : of each batch, and of all together
    """

    def __init__(self, train_step: TrainStep, batches: Sequence[tuple[int, Any]]) -> None:
        whole = shared_allocator(train_step.node)(train_step.store.values.size, train_step.store.dtype)
        mode = Sync(train_step, Comm())
        self._batches = [BatchObjective(mode, step, rows, whole) for step, rows in batches]
        self.sizes = [len(rows) for _, rows in batches]
        self.samples = sum(self.sizes)
        self.figures: dict[str, float] = {}

    def loss(self, x: Array) -> float:
        """The mean loss at ``x``, NaN or infinite where it is."""
        with np.errstate(all="ignore"):
            losses = [batch.loss(x) for batch in self._batches]
            return float(np.dot(losses, self.sizes)) / self.samples

    def loss_and_gradient(self, x: Array) -> tuple[float, Array]:
        """The mean loss and its gradient at ``x``, in float64."""
        loss, gradient = 0.0, np.zeros(x.size)
        with np.errstate(all="ignore"):
            for batch, size in zip(self._batches, self.sizes, strict=True):
                mine, g = batch.loss_and_gradient(x)
                loss += mine * size / self.samples
                gradient += g * (size / self.samples)
        return loss, gradient

    def batch_gradients(self, x: Array) -> Iterator[tuple[int, Array]]:
        """The number of samples of each batch, and the gradient of its mean loss."""
        for batch, size in zip(self._batches, self.sizes, strict=True):
            with np.errstate(all="ignore"):
                gradient = batch.loss_and_gradient(x)[1]
            yield size, gradient

    def hessian_product(self, x: Array, v: Array) -> Array:
        """The Hessian at ``x`` times ``v``, in float64."""
        return self._mean(lambda batch: batch.hessian_product(x, v), x.size)

    def gauss_newton_product(self, x: Array, v: Array) -> Array:
        """The generalised Gauss-Newton matrix at ``x`` times ``v``, in float64."""
        return self._mean(lambda batch: batch.gauss_newton_product(x, v), x.size)

    def curvature_gradient(self, x: Array) -> Array:
        """The gradient at ``x``."""
        return self.loss_and_gradient(x)[1]

    def random_signs(self, x: Array, number: int) -> Array:
        """One or minus one for each entry of ``x``, others for each number, the same on all ranks."""
        return self._batches[0].random_signs(x, number)

    def random_normal(self, x: Array) -> Array:
        """Normal numbers for the entries of ``x``, the same on all ranks."""
        return self._batches[0].random_normal(x)

    def agree(self, numbers: Array) -> Array:
        """Rank 0's values of an array, on all ranks, in place."""
        return self._batches[0].agree(numbers)

    def _mean(self, product: Callable[[BatchObjective], Array], n: int) -> Array:
        total = np.zeros(n)
        with np.errstate(all="ignore"):
            for batch, size in zip(self._batches, self.sizes, strict=True):
                total += product(batch) * (size / self.samples)
        return total
