"""Convolution, channels-last: ``images`` (2-D), ``sequences`` (1-D), and ``transposed``, which enlarges images."""

from ddtrain.ops.convolution.images import conv2d
from ddtrain.ops.convolution.sequences import conv1d
from ddtrain.ops.convolution.transposed import conv_transpose2d

__all__ = ["conv1d", "conv2d", "conv_transpose2d"]
