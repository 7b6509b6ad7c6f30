"""The loss of one global batch as a function of the parameters: what methods ask that need more than a gradient.

Note [Trial points]
A trial point is written into the parameters that the node shares, each rank its share, and computed as a step is: the
same shards, the same random numbers, the same sums in the same order. What the forward passes leave for the model's
buffers is thrown away. A product with the Hessian takes the way of a gradient, from each shard's rows to the reducer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import rng
from ddtrain.comm.protocol import Array
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.step.trial_passes import TrialPasses


class BatchObjective:
    """The :class:`~ddtrain.optim.batch_methods.protocol.Objective` of a step's batch. Its methods are collective.

    Parameters
    ----------
    mode : the loop's view of the step
    step, rows : of the batch, as for :meth:`TrainStep.gradients`
    whole : a vector that the node shares, for sums that all of its ranks want to read
    curvature_samples : how many of the rows second derivatives are of; 0: all (Note [Samples of the curvature])
    """

    def __init__(self, mode: Sync, step: int, rows: Any, whole: Array, curvature_samples: int = 0) -> None:
        self._mode, self._train_step, self._step, self._rows, self._whole = mode, mode.train_step, step, rows, whole
        self._passes = TrialPasses(mode.train_step, step, rows)
        self._some = some_of(rows, curvature_samples, mode.train_step.seed, step) if curvature_samples else rows
        self._curvature = TrialPasses(mode.train_step, step, self._some)
        self.figures: dict[str, float] = {}

    def loss(self, x: Array) -> float:
        """The mean loss at ``x``, without a gradient."""
        self.move_to(x)
        return self._passes.loss().means()["loss"]

    def loss_and_gradient(self, x: Array) -> tuple[float, Array]:
        """The mean loss and its gradient at ``x``."""
        self.move_to(x)
        totals = self._train_step.gradients(self._step, self._rows)
        return totals.means()["loss"], self.summed()

    def hessian_product(self, x: Array, v: Array) -> Array:
        """The Hessian at ``x`` times ``v``."""
        self.move_to(x)
        self._curvature.hessian_product(v)
        return self.summed()

    def gauss_newton_product(self, x: Array, v: Array) -> Array:
        """The generalised Gauss-Newton matrix at ``x`` times ``v``."""
        self.move_to(x)
        self._curvature.gauss_newton_product(v)
        return self.summed()

    def curvature_gradient(self, x: Array) -> Array:
        """The gradient at ``x`` over the samples of the curvature."""
        self.move_to(x)
        self._train_step.gradients(self._step, self._some)
        return self.summed()

    def random_signs(self, x: Array, number: int) -> Array:
        """One or minus one for each entry of ``x``, of this step and number."""
        bits = rng.stream(self._train_step.seed, "random signs", self._step, number).integers(0, 2, x.size)
        return (2 * bits - 1).astype(x.dtype)

    def random_normal(self, x: Array) -> Array:
        """Normal numbers for the entries of ``x``, of this step."""
        return rng.stream(self._train_step.seed, "random normal", self._step).standard_normal(x.size).astype(x.dtype)

    def agree(self, numbers: Array) -> Array:
        """Rank 0's values of an array, on all ranks, in place."""
        comm = self._train_step.comm
        if comm.size > 1:
            numbers = np.ascontiguousarray(numbers)
            comm.broadcast(numbers.reshape(-1), root=0)
        return numbers

    def move_to(self, x: Array) -> None:
        """Let the parameters have the values ``x``."""
        values = self._train_step.store.values
        for span in self._train_step.reducer.spans:
            values[span] = x[span]
        self._mode.wait_for_node()

    def summed(self) -> Array:
        """A copy of the sum that the reducer has just made, from the shares of all ranks of the node."""
        buffer = self._train_step.gradient_buffer
        for span in buffer.reducer.spans:
            self._whole[span] = buffer.grads[span]
        self._mode.wait_for_node()
        copy = self._whole.copy()
        self._mode.wait_for_node()
        return copy


def some_of(rows: Any, count: int, seed: int, step: int) -> Any:
    """So many of a batch's rows, in their order; all of them where there are no more.

    >>> some_of(np.arange(10, 16), 3, seed=0, step=0), some_of(np.arange(2), 3, seed=0, step=0)
    (array([10, 12, 15]), array([0, 1]))
    """
    return rows[np.sort(rng.stream(seed, "curvature samples", step).permutation(len(rows))[:count])]
