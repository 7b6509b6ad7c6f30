"""Convolution of channels-last images, as one step of a trace."""

# N batch, H height, W width, C channels in, K channels out, G groups

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import conv as kernel
from ddtrain.kernels.channel_sums import channel_sums
from ddtrain.ops.argument_checks import Pair, check_rank, check_vector, integer, pair

Geometry = tuple[kernel.Stride, kernel.Pad, int, kernel.Stride]


def _geometry(x: Any, w: Any, b: Any, stride: Any, padding: Any, groups: int, dilation: Any) -> Geometry:
    """Stride, padding on each side, groups and dilation, after checking that everything fits."""
    check_rank("conv2d", "x_NHWC", x, 4, "Images are (N, H, W, C): a grey image needs x[..., None].")
    check_rank("conv2d", "weight", w, 4, "Convolution weights are (kh, kw, C / groups, K).")
    kh, kw, cg, k = w.shape
    try:
        groups = integer(groups)
    except TypeError:
        raise ShapeError(f"conv2d: groups {groups!r} is not an integer") from None
    if groups < 1 or k % groups:
        raise ShapeError(f"conv2d: {k} output channels do not divide into {groups} groups (w {w.shape})")
    if x.shape[3] != cg * groups:
        raise ShapeError(
            f"conv2d: x has {x.shape[3]} channels but weight takes {cg} x {groups} groups"
            f" (x_NHWC {x.shape}, w {w.shape})",
            remedy="Images are (N, H, W, C), weights (kh, kw, C / groups, K).",
        )
    if b is not None:
        check_vector("conv2d", "bias", b, k, "weight")
    strides, apart = pair(stride, "conv2d", "stride", 1), pair(dilation, "conv2d", "dilation", 1)
    rows, columns = kernel.extent(kh, kw, apart)
    pad = _same(rows, columns, strides) if isinstance(padding, str) and padding == "same" else _even(padding)
    if x.shape[1] + pad[0] + pad[1] < rows or x.shape[2] + pad[2] + pad[3] < columns:
        dilated = "" if apart == (1, 1) else f", dilated to {rows} x {columns},"
        raise ShapeError(
            f"conv2d: a {kh} x {kw} kernel{dilated} does not fit images of {x.shape[1]} x {x.shape[2]} with padding "
            f"{padding!r}",
            remedy="Use a smaller kernel, fewer strides before it, or more padding.",
        )
    return strides, pad, groups, apart


def _same(rows: int, columns: int, strides: tuple[int, int]) -> kernel.Pad:
    if strides != (1, 1):
        raise ShapeError(
            f'conv2d: padding "same" needs stride 1, not {strides}', remedy="Give the padding as a number."
        )
    return (rows - 1) // 2, rows // 2, (columns - 1) // 2, columns // 2


def _even(padding: Any) -> kernel.Pad:
    down, across = pair(padding, "conv2d", "padding", 0)
    return down, down, across, across


def _conv2d(
    x: Array, w: Array, b: Array = None, stride: Pair = 1, padding: Pair | str = 0, groups: int = 1, dilation: Pair = 1
) -> Array:
    """Two-dimensional convolution (cross-correlation, as usual in networks).

    Parameters
    ----------
    x : (N, H, W, C) images
    w : (kh, kw, C / groups, K)
    b : (K,), or None for no bias
    stride, padding : an integer, or a pair (down, across); ``padding="same"`` keeps H and W (stride 1 only)
    groups : output channels see only the input channels of their own group
    dilation : the distance between the entries of a window: an integer, or a pair (down, across)

    Returns
    -------
    (N, (H + 2 * padding - (kh - 1) * dilation - 1) // stride + 1, the same of W and kw, K)

    Raises
    ------
    ShapeError : the shapes do not fit, or the kernel is larger than the padded images

    >>> conv2d(np.ones((1, 3, 3, 1)), np.ones((3, 3, 1, 1)), padding=1)[0, :, :, 0]
    array([[4., 6., 4.],
           [6., 9., 6.],
           [4., 6., 4.]])
    """
    (down, across), pad, groups, apart = _geometry(x, w, b, stride, padding, groups, dilation)
    kh, kw, cg, k = w.shape
    n, rows, columns, _ = x.shape
    p, q = kernel.output_size(rows, columns, kh, kw, (down, across), pad, apart)
    top, bottom, left, right = pad
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    y = 0.0
    for r in range(kh):
        for s in range(kw):
            i, j = r * apart[0], s * apart[1]
            seen = padded[:, i : i + (p - 1) * down + 1 : down, j : j + (q - 1) * across + 1 : across]
            by_group = np.transpose(np.reshape(seen, (n * p * q, groups, cg)), (1, 0, 2))
            weights = np.transpose(np.reshape(w[r, s], (cg, groups, k // groups)), (1, 0, 2))
            y = y + np.matmul(by_group, weights)
    y = np.reshape(np.transpose(y, (1, 0, 2)), (n, p, q, k))
    return y if b is None else y + b


def _forward(
    x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair | str = 0, groups: int = 1, dilation: Pair = 1
) -> Any:
    geometry = _geometry(x, w, b, stride, padding, groups, dilation)
    return kernel.forward(x, w, b, *geometry), geometry


def _backward(
    needs: tuple[int, ...], g: Any, saved: Geometry, x: Any, w: Any, b: Any = None, *_: Any, **__: Any
) -> list[Any]:
    by_position = (
        lambda: kernel.backward_input(g, w, x.shape[1], x.shape[2], *saved),
        lambda: kernel.backward_weight(x, g, w.shape[0], w.shape[1], *saved),
        lambda: channel_sums(g),
    )
    return [by_position[i]() for i in needs]


conv2d = fused(
    _conv2d,
    _forward,
    _backward,
    mixed=3,
    name="conv2d",
    examples=lambda r: [
        case(r(2, 4, 4, 1), r(3, 3, 1, 2), r(2), padding=1),
        case(r(1, 5, 4, 2), r(3, 2, 2, 2), None, stride=(2, 1), padding=(1, 0)),
        case(r(1, 4, 4, 4), r(2, 2, 2, 2), r(2), groups=2, padding="same"),
        case(r(1, 3, 3, 2), r(1, 1, 2, 3), r(3), stride=2),
        case(r(1, 7, 6, 2), r(3, 2, 1, 2), r(2), stride=(1, 2), padding=1, groups=2, dilation=(2, 3)),
    ],
)
