"""Windows of images that were given a border."""

# N images, H height, W width, C channels

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ddtrain.data.augment.protocol import Array, Augment, Draws, not_negative
from ddtrain.errors import ShapeError
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Crop(Augment):
    """A window of the images' own size, somewhere in them with a border on all sides: moved by up to its width.

    Raises
    ------
    ShapeError : the border is wider than the images are

    References
    ----------
    He, Zhang, Ren, Sun (2015), "Deep residual learning", arXiv:1512.03385, section 4.2.

    Examples
    --------
    >>> x, draws = np.ones((1, 2, 2, 1)), Draws(0, "crop", 0, np.array([7]))
    >>> Crop(padding=1).images(x, draws)[0, :, :, 0]
    array([[0., 1.],
           [0., 1.]])
    """

    name: str = "crop"
    """How images are changed."""
    padding: int = 4
    """Width of the border, in pixels."""
    fill: float = 0.0
    """Value of the border."""

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        n, height, width, _ = x_NHWC.shape
        p = self.padding
        if p > min(height, width):
            raise ShapeError(
                f"crop(padding={p}): the border is wider than the images, {height} x {width}, and hides most of them",
                remedy=f"Give at most {min(height, width)} pixels.",
            )
        framed = np.pad(x_NHWC, ((0, 0), (p, p), (p, p), (0, 0)), constant_values=x_NHWC.dtype.type(self.fill))
        top_N, left_N = (draws.uniform(2) * (2 * p + 1)).astype(np.int64).T
        rows_NH1 = (top_N[:, None] + np.arange(height))[:, :, None]
        columns_N1W = (left_N[:, None] + np.arange(width))[:, None, :]
        cropped: Array = framed[np.arange(n)[:, None, None], rows_NH1, columns_N1W]
        return cropped

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("padding", self.padding)
