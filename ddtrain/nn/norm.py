"""Batch normalisation as a layer, by default synchronised over the ranks."""

from __future__ import annotations

import numpy as np

from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.errors import UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import Rule, buffer, param
from ddtrain.nn.module import Module


class BatchNorm(Module):
    """Normalises every channel (the last axis) over all samples of the global batch.

    Parameters
    ----------
    channels : C
    eps : added to the variance
    momentum : share of the new moments in the running ones, as in PyTorch; None: the running ones are the mean of those
        of all batches since the start
    sync : over all ranks, weighting each sample once; False uses this rank's shard alone, so that the result depends
        on the number of ranks; its running statistics are the mean over the shards, each weighted by its samples
        (PyTorch's DistributedDataParallel keeps those of rank 0), and a shard of one value leaves the variance as it is

    Attributes
    ----------
    weight, bias : (C,) scale and shift
    running_mean, running_var : (C,) used outside training; the variance is the unbiased one
    num_batches_tracked : batches seen; a layer that is called twice in a forward pass has seen two

    Raises
    ------
    UsageError : in training, a batch of one value a channel, which has no variance (as PyTorch)

    >>> norm = BatchNorm(1)
    >>> bound = norm.bind(norm.init(), training=True)
    >>> bound(np.array([[0.0], [2.0]])).round(3).tolist()
    [[-1.0], [1.0]]
    >>> bound.run.updates["running_mean"]  # 0.9 * 0 + 0.1 * 1
    array([0.1])
    """

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float | None = 0.1, sync: bool = True) -> None:
        shape = sizes("BatchNorm", channels=channels)
        if momentum is not None and not 0 <= momentum <= 1:
            raise UsageError(
                f"BatchNorm: momentum {momentum} is not in [0, 1]", remedy="None averages over all batches."
            )
        self.weight = param(shape, init.ones)
        self.bias = param(shape, init.zeros)
        reduce: Rule = "same" if sync else "mean"
        self.running_mean = buffer(shape, init.zeros, reduce=reduce)
        self.running_var = buffer(shape, init.ones, reduce=reduce)
        self.num_batches_tracked = buffer((), init.zeros, reduce=reduce, torch_dtype=np.int64)
        self.eps, self.momentum, self.sync = eps, momentum, sync

    def forward(self, x: Array) -> Array:
        if not self.run.training:
            return ops.batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        moments = ops.Moments()
        y = ops.batch_norm(x, self.weight, self.bias, eps=self.eps, sync=self.sync, moments=moments)
        if moments.count == 1 and self.sync:
            raise UsageError(
                f"batch_norm: one value per channel over all ranks, which has no variance (x {x.shape})",
                remedy="Choose a batch size that leaves no single sample over.",
            )
        if moments.count:  # no samples: nothing to learn; a single one: a mean, but no variance
            batches = ops.stop_gradient(self.num_batches_tracked) + 1
            share = 1 / batches if self.momentum is None else self.momentum
            mean, variance = ops.stop_gradient(self.running_mean), ops.stop_gradient(self.running_var)
            running = ops.running_moments(moments, mean, variance, float(share))
            self.update(running_mean=running[0], running_var=running[1], num_batches_tracked=batches)
        return y
