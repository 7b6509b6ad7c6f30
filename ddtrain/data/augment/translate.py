"""Images moved aside."""

# N images, H height, W width, C channels

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddtrain.data.augment.protocol import Array, Augment, Draws, not_negative
from ddtrain.data.augment.resample import resample
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Translate(Augment):
    """Images moved by whole pixels, up to a fraction of their height and of their width, each way.

    ``y[h, w] = x[h + i, w + j]`` with i and j the whole numbers next to uniform ones in ±height · H and ±width · W.

    References
    ----------
    Krizhevsky, Sutskever, Hinton (2012), "ImageNet classification with deep convolutional neural networks",
    section 4.1.

    >>> x, draws = np.ones((1, 2, 2, 1)), Draws(0, "translate", 0, np.array([7]))
    >>> Translate(height=0.5, width=0.0).images(x, draws)[0, :, :, 0]
    array([[1., 1.],
           [1., 1.]])
    """

    name: str = "translate"
    """How images are changed."""
    height: float = 0.1
    """The farthest up or down, as a fraction of the height."""
    width: float = 0.1
    """The farthest left or right, as a fraction of the width."""
    fill: float = 0.0
    """Value of what comes in at the sides."""
    floating: ClassVar[bool] = True

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        n, height, width, _ = x_NHWC.shape
        farthest = np.array([self.height * height, self.width * width])
        shifts_N2 = np.rint(draws.between(-1, 1, 2) * farthest)
        return resample(x_NHWC, np.broadcast_to(np.eye(2), (n, 2, 2)), shifts_N2, self.fill)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("height", self.height)
        yield not_negative("width", self.width)
