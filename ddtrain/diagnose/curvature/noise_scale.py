"""The gradient noise scale: the batch size from which on more samples make gradients little better."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class NoiseScale:
    """How the gradient's noise compares with the gradient.

    Attributes
    ----------
    gradient : |G|², the squared length of the gradient of all data, as far as it can be told; may come out below 0
    noise : tr(Σ), the sum of the variances of one sample's gradient
    batches, samples : that it was told from
    """

    gradient: float
    noise: float
    batches: int
    samples: int

    @property
    def scale(self) -> float:
        """Samples of a batch, B = tr(Σ) / |G|²; infinite where no gradient can be told from the noise."""
        return self.noise / self.gradient if self.gradient > 0 else math.inf


def noise_scale(gradients: Iterable[tuple[int, Any]]) -> NoiseScale | None:
    """The noise scale from the gradients of several batches.

    |G_B|² is expected to be |G|² + tr(Σ) / B. Of each batch, and of all together, that is measured, and two unknowns
    are found from the two: |G|² and tr(Σ), neither biased.

    Parameters
    ----------
    gradients : of each batch the number of its samples, and the gradient of their mean loss

    Returns
    -------
    None of fewer than two batches

    References
    ----------
    McCandlish, Kaplan, Amodei et al., arXiv:1812.06162, appendix A.1.

    Examples
    --------
    Two samples whose gradients are 1 and 3: the mean is 2, and the variance of one is 2.

    >>> found = noise_scale([(1, np.array([1.0])), (1, np.array([3.0]))])
    >>> found.gradient, found.noise
    (3.0, 2.0)
    """
    total: Any = 0.0
    samples = batches = 0
    squares = inverse_sizes = 0.0
    for size, gradient in gradients:
        g = np.asarray(gradient, np.float64)
        total, samples, batches = total + size * g, samples + size, batches + 1
        squares, inverse_sizes = squares + float(g @ g), inverse_sizes + 1 / size
    if batches < 2:
        return None
    mean = total / samples
    small, large = squares / batches, float(mean @ mean)  # expected |G|² + tr(Σ) · inverse sizes
    of_small, of_large = inverse_sizes / batches, 1 / samples
    noise = (small - large) / (of_small - of_large)
    return NoiseScale(large - noise * of_large, noise, batches, samples)
