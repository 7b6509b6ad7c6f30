"""Batch normalisation that has stopped learning."""

from __future__ import annotations

from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import buffer
from ddtrain.nn.module import Module


class FrozenBatchNorm(Module):
    """``(x - running_mean) / sqrt(running_var + eps) * weight + bias`` of every channel (the last axis), in any mode.

    All four are buffers, (C,): no step changes them. For fine-tuning with a backbone whose statistics small batches
    would spoil; the names are those of torchvision's FrozenBatchNorm2d.

    References
    ----------
    Ioffe, Szegedy (2015), "Batch normalization", arXiv:1502.03167, algorithm 2.

    >>> norm = FrozenBatchNorm(2)
    >>> sorted(norm.init()), any(d.trained for d in norm.declarations().values())
    (['bias', 'running_mean', 'running_var', 'weight'], False)
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        shape = sizes("FrozenBatchNorm", channels=channels)
        self.weight, self.bias = buffer(shape, init.ones), buffer(shape, init.zeros)
        self.running_mean, self.running_var = buffer(shape, init.zeros), buffer(shape, init.ones)
        self.eps = eps

    def forward(self, x: Array) -> Array:
        return ops.batch_norm_inference(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
