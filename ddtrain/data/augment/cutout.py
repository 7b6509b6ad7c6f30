"""Squares cut out of images."""

# N images, H height, W width, C channels

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ddtrain.data.augment.protocol import Array, Augment, Draws, not_negative
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Cutout(Augment):
    """A square about a random pixel, as much of it as lies in the image, is filled.

    References
    ----------
    DeVries, Taylor (2017), "Improved regularization of convolutional neural networks with Cutout", arXiv:1708.04552.

    Examples
    --------
    >>> x, draws = np.ones((1, 3, 3, 1)), Draws(0, "cutout", 0, np.array([7]))
    >>> Cutout(size=2).images(x, draws)[0, :, :, 0]
    array([[0., 1., 1.],
           [0., 1., 1.],
           [1., 1., 1.]])
    """

    name: str = "cutout"
    """How images are changed."""
    size: int = 8
    """Side of the square, in pixels."""
    fill: float = 0.0
    """Value in the square."""

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        _, height, width, _ = x_NHWC.shape
        first_N2 = np.floor(draws.uniform(2) * (height, width)).astype(np.int64) - self.size // 2
        rows_NH, columns_NW = (
            (np.arange(length) >= first_N2[:, k, None]) & (np.arange(length) < first_N2[:, k, None] + self.size)
            for k, length in enumerate((height, width))
        )
        hole_NHW1 = (rows_NH[:, :, None] & columns_NW[:, None, :])[..., None]
        return np.where(hole_NHW1, x_NHWC.dtype.type(self.fill), x_NHWC)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("size", self.size)
