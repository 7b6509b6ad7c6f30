"""Batch normalisation as a layer: synchronised over the ranks unless told otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import ops
from ddtrain.autodiff import value_of
from ddtrain.nn import init
from ddtrain.nn.layers import widths
from ddtrain.nn.module import Module, Rule, buffer, param


class BatchNorm(Module):
    """Normalises every channel (the last axis) over all samples of the global batch.

    Parameters
    ----------
    channels : C
    eps : added to the variance
    momentum : share of the new moments in the running ones, as in PyTorch
    sync : over all ranks, weighting each sample once; False uses this rank's shard alone, so that the result depends
        on the number of ranks; its running statistics are the mean over the shards, each weighted by its samples
        (PyTorch's DistributedDataParallel keeps those of rank 0)

    Attributes
    ----------
    weight, bias : (C,) scale and shift
    running_mean, running_var : (C,) used outside training; the variance is the unbiased one
    num_batches_tracked : batches seen
    """

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1, sync: bool = True) -> None:
        self.weight = param(widths("BatchNorm", channels), init.ones)
        self.bias = param((channels,), init.zeros)
        reduce: Rule = "same" if sync else "mean"
        self.running_mean = buffer((channels,), init.zeros, reduce=reduce)
        self.running_var = buffer((channels,), init.ones, reduce=reduce)
        self.num_batches_tracked = buffer((), init.zeros, reduce=reduce, torch_dtype=np.int64)
        self.eps, self.momentum, self.sync = eps, momentum, sync

    def forward(self, x: Any) -> Any:
        if not self.run.training:
            return ops.batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        moments = ops.Moments()
        y = ops.batch_norm(x, self.weight, self.bias, eps=self.eps, sync=self.sync, moments=moments)
        if moments.count:  # without samples there is nothing to learn from
            self.update(
                running_mean=self._blend(self.running_mean, moments.mean),
                running_var=self._blend(self.running_var, moments.variance),
                num_batches_tracked=value_of(self.num_batches_tracked) + 1,
            )
        return y

    def _blend(self, running: Any, new: Any) -> Any:
        return (1 - self.momentum) * value_of(running) + self.momentum * new
