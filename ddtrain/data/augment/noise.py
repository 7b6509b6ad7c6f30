"""Noise in every pixel."""

# N images, H height, W width, C channels

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddtrain.data.augment.protocol import Array, Augment, Draws, not_negative
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Noise(Augment):
    """A normal number of its own added to every pixel and channel, with standard deviation ``std``.

    ``y = x + std · z`` with each z from N(0, 1).

    References
    ----------
    Bishop (1995), "Training with noise is equivalent to Tikhonov regularization".

    >>> x, draws = np.zeros((1, 1, 2, 1)), Draws(0, "noise", 0, np.array([7]))
    >>> Noise(std=0.5).images(x, draws).round(2).ravel()
    array([-0.35,  0.02])
    """

    name: str = "noise"
    """How images are changed."""
    std: float = 0.1
    """Standard deviation, in the data's own units."""
    floating: ClassVar[bool] = True
    any_shape: ClassVar[bool] = True

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        drawn = np.empty(x_NHWC.shape, np.float32)  # single precision is random enough, and drawn faster
        for image, generator in zip(drawn, draws.generators(), strict=True):
            generator.standard_normal(out=image, dtype=np.float32)
        noisy: Array = x_NHWC + x_NHWC.dtype.type(self.std) * drawn.astype(x_NHWC.dtype)
        return noisy

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("std", self.std)
