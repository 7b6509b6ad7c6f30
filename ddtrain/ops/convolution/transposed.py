"""Transposed convolution: what takes a convolution's cotangent back to its images, as an operation of its own.

A stride enlarges here: every entry of x is spread over a window of the answer. Forward is the convolution's way back
and the way back is the convolution, so there are no kernels to add.
"""

# N batch, H height, W width, C channels in, K channels out, G groups

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import conv as kernel
from ddtrain.kernels.channel_sums import channel_sums
from ddtrain.ops.argument_checks import Pair, check_rank, check_vector, number, pair
from ddtrain.ops.convolution.images import conv2d

OP = "conv_transpose2d"
Geometry = tuple[int, int, kernel.Stride, kernel.Pad, int, kernel.Stride]


def _geometry(
    x: Any, w: Any, b: Any, stride: Any, padding: Any, output_padding: Any, groups: Any, dilation: Any
) -> Geometry:
    """Height and width of the answer, and the geometry of the convolution that leads back, after checks."""
    check_rank(OP, "x_NHWC", x, 4, "Images are (N, H, W, C): a grey image needs x[..., None].")
    check_rank(OP, "weight", w, 4, "Weights are (kh, kw, K / groups, C): those of the convolution from K to C.")
    groups = number(groups, OP, "groups", 1)
    if x.shape[3] != w.shape[3]:
        raise ShapeError(
            f"{OP}: x has {x.shape[3]} channels but weight takes {w.shape[3]} (x_NHWC {x.shape}, w {w.shape})",
            remedy="Images are (N, H, W, C), weights (kh, kw, K / groups, C).",
        )
    if w.shape[3] % groups:
        raise ShapeError(f"{OP}: {w.shape[3]} input channels do not divide into {groups} groups (w {w.shape})")
    if b is not None:
        check_vector(OP, "bias", b, w.shape[2] * groups, "the answer")
    (down, across), apart = pair(stride, OP, "stride", 1), pair(dilation, OP, "dilation", 1)
    (top, left), (below, beside) = pair(padding, OP, "padding", 0), pair(output_padding, OP, "output_padding", 0)
    if below >= down or beside >= across:
        raise ShapeError(f"{OP}: output_padding {output_padding!r} is not less than the stride {stride!r}")
    rows, columns = kernel.extent(w.shape[0], w.shape[1], apart)
    height = (x.shape[1] - 1) * down - 2 * top + rows + below
    width = (x.shape[2] - 1) * across - 2 * left + columns + beside
    if x.shape[1] < 1 or x.shape[2] < 1 or height < 1 or width < 1:
        raise ShapeError(f"{OP}: images of {x.shape[1]} x {x.shape[2]} with padding {padding!r} leave nothing")
    return height, width, (down, across), (top, top, left, left), groups, apart


def _conv_transpose2d(
    x: Array, w: Array, b: Array = None, stride: Pair = 1, padding: Pair = 0, output_padding: Pair = 0, groups: int = 1,
    dilation: Pair = 1,
) -> Array:  # fmt: skip
    """The transpose of a two-dimensional convolution, also called deconvolution.

    Parameters
    ----------
    x : (N, H, W, C) images
    w : (kh, kw, K / groups, C), as the weight of the convolution that leads back, from K to C channels
    b : (K,), or None for no bias
    stride, padding, dilation : of the convolution that leads back: integers, or pairs (down, across)
    output_padding : rows below and columns to the right that are added to the answer, less than the stride: a
        convolution with a stride takes images of several sizes to one
    groups : output channels see only the input channels of their own group

    Returns
    -------
    (N, (H - 1) * stride - 2 * padding + (kh - 1) * dilation + output_padding + 1, the same of W and kw, K)

    Raises
    ------
    ShapeError : the shapes do not fit

    References
    ----------
    Zeiler, Krishnan, Taylor, Fergus (2010), "Deconvolutional networks".

    >>> conv_transpose2d(np.array([1.0, 2.0]).reshape(1, 1, 2, 1), np.ones((1, 2, 1, 1)), stride=(1, 2))[0, 0, :, 0]
    array([1., 1., 2., 2.])
    """
    height, width, (down, across), (top, _, left, _), groups, apart = _geometry(
        x, w, b, stride, padding, output_padding, groups, dilation
    )
    n, p, q, c = x.shape
    kh, kw, kg, _ = w.shape
    rows, columns = kernel.extent(kh, kw, apart)
    apart_NHWC = np.reshape(x, (n, p, 1, q, 1, c))  # zeros between the entries
    apart_NHWC = np.pad(apart_NHWC, ((0, 0), (0, 0), (0, down - 1), (0, 0), (0, across - 1), (0, 0)))
    apart_NHWC = np.reshape(apart_NHWC, (n, p * down, q * across, c))
    far = np.pad(apart_NHWC, ((0, 0), (rows - 1, rows - 1), (columns - 1, columns - 1), (0, 0)))
    far = far[:, top : top + height + rows - 1, left : left + width + columns - 1]
    turned = np.reshape(w[::-1, ::-1], (kh, kw, kg, groups, c // groups))
    turned = np.reshape(np.transpose(turned, (0, 1, 4, 3, 2)), (kh, kw, c // groups, groups * kg))
    return conv2d(far, turned, b, groups=groups, dilation=apart)


def _forward(
    x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0, output_padding: Pair = 0, groups: int = 1,
    dilation: Pair = 1,
) -> tuple[Any, Any]:  # fmt: skip
    geometry = _geometry(x, w, b, stride, padding, output_padding, groups, dilation)
    return kernel.backward_input(x, w, *geometry, b), geometry[2:]


def _backward(
    needs: tuple[int, ...], g: Any, saved: Any, x: Any, w: Any, b: Any = None, *_: Any, **__: Any
) -> list[Any]:
    by_position = (
        lambda: kernel.forward(g, w, None, *saved),
        lambda: kernel.backward_weight(g, x, w.shape[0], w.shape[1], *saved),
        lambda: channel_sums(g),
    )
    return [by_position[i]() for i in needs]


conv_transpose2d = fused(
    _conv_transpose2d,
    _forward,
    _backward,
    mixed=3,
    name=OP,
    examples=lambda r: [
        case(r(2, 3, 3, 2), r(3, 3, 1, 2), r(1), stride=2, padding=1, output_padding=1),
        case(r(1, 2, 3, 4), r(2, 3, 3, 4), None, stride=(1, 2), groups=2, dilation=(2, 1)),
        case(r(1, 3, 2, 2), r(2, 2, 3, 2), r(3)),
    ],
)
