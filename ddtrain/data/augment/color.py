"""Brighter and darker images, with more and less contrast, in other colours.

Amounts are in the data's own units: after :class:`ddtrain.data.Normalize`, standard deviations of all pixels. Nothing
is cut off at black and white, which normalised data does not know.
"""

# N images, H height, W width, C channels

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddtrain.data.augment.protocol import Array, Augment, Draws, not_negative, of_images, probability
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Brightness(Augment):
    """One number added to all pixels of an image, between ``-delta`` and ``delta``.

    ``y = x + b`` with b uniform in [-delta, delta).

    References
    ----------
    Howard (2013), "Some improvements on deep convolutional neural network based image classification",
    arXiv:1312.5402.

    >>> x, draws = np.zeros((1, 1, 2, 1)), Draws(0, "brightness", 0, np.array([7]))
    >>> Brightness(delta=0.5).images(x, draws).round(2).ravel()
    array([-0.28, -0.28])
    """

    name: str = "brightness"
    """How images are changed."""
    delta: float = 0.2
    """The most that is added or taken away."""
    floating: ClassVar[bool] = True
    any_shape: ClassVar[bool] = True

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        return x_NHWC + of_images(draws.between(-self.delta, self.delta), x_NHWC)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("delta", self.delta)


@register
@dataclass(frozen=True)
class Contrast(Augment):
    """The distance of all pixels from the image's mean, times a number between ``1 - factor`` and ``1 + factor``.

    ``y = mean + c · (x - mean)`` with c uniform in [1 - factor, 1 + factor).

    References
    ----------
    Howard (2013), "Some improvements on deep convolutional neural network based image classification",
    arXiv:1312.5402.

    >>> x, draws = np.array([1.0, 3.0]).reshape(1, 1, 2, 1), Draws(0, "contrast", 0, np.array([7]))
    >>> Contrast(factor=0.5).images(x, draws).round(2).ravel()
    array([1.12, 2.88])
    """

    name: str = "contrast"
    """How images are changed."""
    factor: float = 0.2
    """The largest change of the factor, which is 1 in the middle."""
    floating: ClassVar[bool] = True
    any_shape: ClassVar[bool] = True

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        size = math.prod(x_NHWC.shape[1:])
        rows = np.ascontiguousarray(x_NHWC).reshape(len(x_NHWC), size)  # in memory as pixels: summed alike in any batch
        mean = of_images(np.add.reduce(rows, axis=1) / max(1, size), x_NHWC)
        factor = of_images(draws.between(1 - self.factor, 1 + self.factor), x_NHWC)
        return (x_NHWC - mean) * factor + mean

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield probability("factor", self.factor)


@register
@dataclass(frozen=True)
class ColorShift(Augment):
    """One number for each channel, added to all pixels of an image, between ``-delta`` and ``delta``.

    ``y[h, w, c] = x[h, w, c] + b[c]`` with each b uniform in [-delta, delta).

    References
    ----------
    Krizhevsky, Sutskever, Hinton (2012), "ImageNet classification with deep convolutional neural networks",
    section 4.1, whose shifts are along the principal components of colours.

    >>> x, draws = np.zeros((1, 1, 1, 3)), Draws(0, "color", 0, np.array([7]))
    >>> ColorShift(delta=0.5).images(x, draws).round(2).ravel()
    array([ 0.11, -0.11,  0.13])
    """

    name: str = "color_shift"
    """How images are changed."""
    delta: float = 0.1
    """The most that is added to a channel or taken away."""
    floating: ClassVar[bool] = True

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        n, _, _, channels = x_NHWC.shape
        shifts = draws.between(-self.delta, self.delta, channels).reshape(n, 1, 1, channels)
        shifted: Array = x_NHWC + shifts.astype(x_NHWC.dtype)
        return shifted

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("delta", self.delta)
