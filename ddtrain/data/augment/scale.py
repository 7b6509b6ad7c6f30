"""Larger and smaller images."""

# N images, H height, W width, C channels

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddtrain.data.augment.protocol import Array, Augment, Draws
from ddtrain.data.augment.resample import resample
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Scale(Augment):
    """Images magnified about their centre by a factor between ``low`` and ``high``, and cut to their size.

    A pixel at p from the centre shows what is at p / s, with s uniform in [low, high).

    References
    ----------
    Simonyan, Zisserman (2014), "Very deep convolutional networks for large-scale image recognition", arXiv:1409.1556,
    section 3.1.

    >>> x, draws = np.ones((1, 3, 3, 1)), Draws(0, "scale", 0, np.array([7]))
    >>> Scale(low=0.5, high=0.5).images(x, draws)[0, :, :, 0]
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    """

    name: str = "scale"
    """How images are changed."""
    low: float = 0.8
    """The smallest factor."""
    high: float = 1.2
    """The largest factor."""
    fill: float = 0.0
    """Value beyond the image."""
    floating: ClassVar[bool] = True

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        inverse_N11 = 1 / draws.between(self.low, self.high)[:, :, None]
        return resample(x_NHWC, inverse_N11 * np.eye(2), np.zeros((len(x_NHWC), 2)), self.fill)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "low", self.low > 0, "above 0"
        yield "high", self.high >= self.low, "at least low"
