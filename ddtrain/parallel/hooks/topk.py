"""The largest elements of each rank's gradient, with their places; the rest waits (Note [Error feedback]).

P ranks, n elements of the bucket, k of them sent.
"""

from __future__ import annotations

from math import ceil
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.comm.protocol import Communicator
from ddtrain.parallel.hooks.bytes_sent import allgather_bytes
from ddtrain.parallel.hooks.error_feedback import ErrorFeedback
from ddtrain.parallel.hooks.exchange_stages import Stages
from ddtrain.parallel.hooks.grad_bucket import Array, GradBucket
from ddtrain.parallel.hooks.hook import HookConfig


class TopK(ErrorFeedback):
    """Every rank sends the ``fraction`` of its elements with the largest magnitudes; only these are summed.

    Parameters
    ----------
    fraction : part of each bucket that is sent, in (0, 1]; at least one element

    References
    ----------
    Aji, Heafield (2017), "Sparse communication for distributed gradient descent", arXiv:1704.05021.
    Stich, Cordonnier, Jaggi (2018), "Sparsified SGD with memory", arXiv:1809.07599.

    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     hook = TopK(count=3, dtype=float, fraction=1 / 3)
    ...     hook.connect(comm)
    ...     bucket = GradBucket(np.array([1.0, 5.0, 0.0]), start=0)
    ...     hook(bucket, comm).wait()
    ...     if comm.rank == 0:
    ...         print(bucket.gradients, hook.unsent())
    >>> run_ranks("threads:2", main)
    [ 0. 10.  0.] [1. 0. 0.]
    0
    """

    name: ClassVar[str] = "topk"

    def __init__(self, count: int, dtype: DTypeLike, fraction: float = 0.01) -> None:
        super().__init__(count, dtype)
        self.fraction = fraction

    def exchange(self, bucket: GradBucket, comm: Communicator, second: Communicator) -> Stages:
        """Send the values and places of the chosen elements to all ranks."""
        gradients_n, residual_n = bucket.gradients, self.residual[bucket.span]
        residual_n += gradients_n
        places_k = largest(residual_n, ceil(self.fraction * residual_n.size))
        values_k = residual_n[places_k]
        residual_n[places_k] = 0
        # NaN and infinity beyond the k sent are dropped, or they would come back in every step
        residual_n[~np.isfinite(residual_n)] = 0
        message = np.concatenate([values_k.view(np.uint8), places_k.astype(np.uint32).view(np.uint8)])
        arrived_P = np.empty((comm.size, message.size), np.uint8)
        self.bytes_sent += allgather_bytes(message.size, comm.size)
        yield comm.iallgather(message, arrived_P)

        gradients_n[...] = 0
        for row in arrived_P:  # add in rank order, one row after another, so that all ranks get the same bits
            gradients_n[row[values_k.nbytes :].view(np.uint32)] += row[: values_k.nbytes].view(values_k.dtype)


def largest(x_n: Array, k: int) -> Array:
    """Places of the ``k`` largest magnitudes, in ascending order; of equal ones the first, and NaN counts as largest.

    >>> largest(np.array([1.0, -2.0, 2.0, np.nan, 2.0]), 3)
    array([1, 2, 3])
    """
    if k >= x_n.size:
        return np.arange(x_n.size)
    size_n = np.abs(x_n)
    size_n[np.isnan(size_n)] = np.inf
    # select by the k-th largest value, which does not depend on the sorting algorithm
    least = np.partition(size_n, x_n.size - k)[x_n.size - k]
    chosen_n = size_n > least
    equals = np.flatnonzero(size_n == least)
    chosen_n[equals[: k - np.count_nonzero(chosen_n)]] = True
    return np.flatnonzero(chosen_n)


def make(config: HookConfig, count: int, dtype: DTypeLike) -> TopK:
    """Top-k from the section ``comm``: reads topk_fraction."""
    return TopK(count, dtype, config.topk_fraction)
