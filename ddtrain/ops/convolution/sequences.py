"""Convolution of channels-last sequences, and its transpose: of images that are one column wide."""

# N batch, T positions, C channels in, K channels out

from __future__ import annotations

from typing import Any

from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError
from ddtrain.ops.argument_checks import check_rank, number
from ddtrain.ops.convolution.images import conv2d
from ddtrain.ops.convolution.transposed import conv_transpose2d


def conv1d(
    x: Array, w: Array, b: Array = None, stride: int = 1, padding: int | str = 0, groups: int = 1, dilation: int = 1
) -> Array:
    """One-dimensional convolution (cross-correlation).

    Parameters
    ----------
    x : (N, T, C) sequences
    w : (k, C / groups, K)
    b : (K,), or None for no bias
    stride, dilation : integers of at least 1
    padding : zeros on each side; "same" keeps T (stride 1 only)
    groups : output channels see only the input channels of their own group

    Returns
    -------
    (N, (T + 2 * padding - (k - 1) * dilation - 1) // stride + 1, K)

    Raises
    ------
    ShapeError : the shapes do not fit, or the kernel is longer than the padded sequences

    >>> import numpy as np
    >>> conv1d(np.arange(4.0).reshape(1, 4, 1), np.ones((2, 1, 1)))[0, :, 0]
    array([1., 3., 5.])
    """
    check_rank("conv1d", "x_NTC", x, 3, "Sequences are (N, T, C): one channel needs x[..., None].")
    check_rank("conv1d", "weight", w, 3, "Convolution weights are (k, C / groups, K).")
    step, apart = number(stride, "conv1d", "stride", 1), number(dilation, "conv1d", "dilation", 1)
    around: Any = "same" if padding == "same" else (number(padding, "conv1d", "padding", 0), 0)
    reach = (w.shape[0] - 1) * apart + 1
    if padding != "same" and x.shape[1] + 2 * around[0] < reach:
        raise ShapeError(
            f"conv1d: a kernel that reaches over {reach} positions does not fit sequences of {x.shape[1]} with "
            f"padding {padding}",
            remedy="Use a smaller kernel, fewer strides before it, or more padding.",
        )
    return conv2d(x[:, :, None], w[:, None], b, (step, 1), around, groups, (apart, 1))[:, :, 0]


def conv_transpose1d(
    x: Array,
    w: Array,
    b: Array = None,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
) -> Array:
    """The transpose of a one-dimensional convolution, which spreads every position over a window of a longer sequence.

    Parameters
    ----------
    x : (N, T, C) sequences
    w : (k, K / groups, C), as the weight of the convolution that leads back, from K to C channels
    b : (K,), or None for no bias
    stride, padding, dilation : of the convolution that leads back
    output_padding : positions that are added at the end, less than the stride: a convolution with a stride takes
        sequences of several lengths to one
    groups : output channels see only the input channels of their own group

    Returns
    -------
    (N, (T - 1) * stride - 2 * padding + (k - 1) * dilation + output_padding + 1, K)

    Raises
    ------
    ShapeError : the shapes do not fit, or nothing is left

    References
    ----------
    Zeiler, Krishnan, Taylor, Fergus (2010), "Deconvolutional networks".

    >>> import numpy as np
    >>> conv_transpose1d(np.array([1.0, 2.0]).reshape(1, 2, 1), np.ones((2, 1, 1)), stride=2)[0, :, 0]
    array([1., 1., 2., 2.])
    """
    op = "conv_transpose1d"
    check_rank(op, "x_NTC", x, 3, "Sequences are (N, T, C): one channel needs x[..., None].")
    check_rank(op, "weight", w, 3, "Weights are (k, K / groups, C): those of the convolution from K to C.")
    step, apart = number(stride, op, "stride", 1), number(dilation, op, "dilation", 1)
    around, more = number(padding, op, "padding", 0), number(output_padding, op, "output_padding", 0)
    if more >= step:
        raise ShapeError(f"{op}: output_padding {more} is not less than the stride {step}")
    if x.shape[1] < 1 or (x.shape[1] - 1) * step - 2 * around + (w.shape[0] - 1) * apart + 1 + more < 1:
        raise ShapeError(f"{op}: sequences of {x.shape[1]} with padding {around} leave nothing")
    y = conv_transpose2d(x[:, :, None], w[:, None], b, (step, 1), (around, 0), (more, 0), groups, (apart, 1))
    return y[:, :, 0]
