"""Mirror images."""

# N images, H height, W width, C channels

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.data.augment.protocol import Array, Augment, Draws, probability
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Flip(Augment):
    """Left for right, and top for bottom, each of some images.

    ``y[h, w] = x[h, W - 1 - w]`` with probability ``horizontal``, and ``x[H - 1 - h, w]`` with ``vertical``.

    References
    ----------
    Krizhevsky, Sutskever, Hinton (2012), "ImageNet classification with deep convolutional neural networks",
    section 4.1.

    >>> import numpy as np
    >>> x, draws = np.arange(4).reshape(1, 2, 2, 1), Draws(0, "flip", 0, np.array([7]))
    >>> Flip(horizontal=1.0).images(x, draws)[0, :, :, 0]
    array([[1, 0],
           [3, 2]])
    """

    name: str = "flip"
    """How images are changed."""
    horizontal: float = 0.5
    """Probability of left for right."""
    vertical: float = 0.0
    """Probability of top for bottom."""

    def images(self, x_NHWC: Array, draws: Draws) -> Array:
        across_N, down_N = (draws.uniform(2) < (self.horizontal, self.vertical)).T
        y = x_NHWC.copy()
        y[across_N] = y[across_N, :, ::-1]
        y[down_N] = y[down_N, ::-1]
        return y

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield probability("horizontal", self.horizontal)
        yield probability("vertical", self.vertical)
