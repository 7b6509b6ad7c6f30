"""Images under linear maps of the plane, by bilinear interpolation."""

# N images, H height, W width, C channels

from __future__ import annotations

import numpy as np

from ddtrain.data.augment.protocol import Array


def resample(x_NHWC: Array, maps_N22: Array, shifts_N2: Array, fill: float) -> Array:
    """Each image under a map of its own: the pixel at p shows what is at ``map @ (p - c) + c + shift``, c the centre.

    Between four pixels the value is their bilinear interpolation; everything beyond the image has the value ``fill``.

    Parameters
    ----------
    x_NHWC : floating images
    maps_N22, shifts_N2 : in pixels, rows first and columns second, from a pixel of the result to its place in the image

    Returns
    -------
    Images of the same shape and dtype. Every pixel is computed by itself: the same bits in any batch.

    >>> x = np.arange(6.0).reshape(1, 2, 3, 1)
    >>> resample(x, np.eye(2)[None], np.array([[0.0, 0.5]]), fill=-1.0)[0, :, :, 0]
    array([[0.5, 1.5, 0.5],
           [3.5, 4.5, 2. ]])
    """
    n, height, width, _ = x_NHWC.shape
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    rows_H, columns_W = np.arange(height) - centre[0], np.arange(width) - centre[1]
    places = [
        maps_N22[:, k, 0, None, None] * rows_H[:, None]
        + maps_N22[:, k, 1, None, None] * columns_W
        + (centre[k] + shifts_N2[:, k])[:, None, None]
        for k in (0, 1)
    ]
    # a border of fill, one pixel above and two below, so that a place just beyond the image has four neighbours
    framed = np.pad(x_NHWC, ((0, 0), (1, 2), (1, 2), (0, 0)), constant_values=x_NHWC.dtype.type(fill))
    (top, down), (left, right) = (_between(p, size, x_NHWC.dtype) for p, size in zip(places, (height, width)))
    line = width + 3
    pixels = framed.reshape(-1, framed.shape[-1])
    first = (np.arange(n)[:, None, None] * (height + 3) + top) * line + left
    upper, lower = (
        np.take(pixels, corner, axis=0) * (1 - right) + np.take(pixels, corner + 1, axis=0) * right
        for corner in (first, first + line)
    )
    resampled: Array = upper * (1 - down) + lower * down
    return resampled


def _between(places_NHW: Array, size: int, dtype: np.dtype[np.floating]) -> tuple[Array, Array]:
    """The framed index of the pixel before each place, and how far beyond it the place is, (N, H, W, 1) in [0, 1)."""
    inside = np.clip(places_NHW, -1, size)
    before = np.floor(inside)
    return before.astype(np.int64) + 1, (inside - before)[..., None].astype(dtype)
