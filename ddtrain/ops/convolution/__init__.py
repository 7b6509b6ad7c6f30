"""Convolution, channels-last: ``images`` (2-D), ``transposed``, which enlarges them, both of ``sequences`` (1-D)."""

from ddtrain.ops.convolution.images import conv2d
from ddtrain.ops.convolution.sequences import conv1d, conv_transpose1d
from ddtrain.ops.convolution.transposed import conv_transpose2d

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]
