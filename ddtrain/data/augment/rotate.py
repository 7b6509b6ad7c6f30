"""Turned images."""

# N images, H height, W width, C channels

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddtrain.data.augment.protocol import Array, Augment, Draws, not_negative
from ddtrain.data.augment.resample import resample
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Rotate(Augment):
    """Images turned about their centre by up to some degrees, either way, and cut to their size.

    A pixel at p from the centre shows what is at R p, with R the rotation by an angle uniform in [-degrees, degrees).

    References
    ----------
    Shorten, Khoshgoftaar (2019), "A survey on image data augmentation for deep learning".

    >>> x, draws = np.arange(4.0).reshape(1, 2, 2, 1), Draws(0, "rotate", 0, np.array([7]))
    >>> Rotate(degrees=0.0).images(x, draws)[0, :, :, 0]
    array([[0., 1.],
           [2., 3.]])
    """

    name: str = "rotate"
    """How images are changed."""
    degrees: float = 15.0
    """The largest angle, against the clock or with it."""
    fill: float = 0.0
    """Value beyond the image."""
    floating: ClassVar[bool] = True

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        angles = (math.radians(a) for a in draws.between(-self.degrees, self.degrees)[:, 0].tolist())
        # rows grow downwards: turned against the clock by a, a pixel shows what is at its place turned with the clock
        maps = [((math.cos(a), math.sin(a)), (-math.sin(a), math.cos(a))) for a in angles]
        return resample(x_NHWC, np.array(maps).reshape(-1, 2, 2), np.zeros((len(x_NHWC), 2)), self.fill)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("degrees", self.degrees)
