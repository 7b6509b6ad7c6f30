"""Random initial values whose variance keeps that of activations, or of gradients, from layer to layer.

The variance is gain² / fan: an output that sums over fan-in inputs of variance 1 then has variance gain², and the
gradient, which sums over fan-out outputs, likewise. What differs is the fan, the gain, and the distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ddtrain.nn.init.initializer import Fans, Initializer, Shape, fans_of
from ddtrain.parts import Range, register

Mode = Literal["fan_in", "fan_out"]


@dataclass(frozen=True)
class _Scaled(Initializer):
    """Values of variance :meth:`variance`, normal unless a subclass says otherwise."""

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Of the values, from the fans, which are at least 1."""
        raise NotImplementedError

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        fan_in, fan_out = fans or fans_of(shape)
        return self.of_std(generator, shape, self.variance(max(1, fan_in), max(1, fan_out)) ** 0.5)

    def of_std(self, generator: np.random.Generator, shape: Shape, std: float) -> NDArray[Any]:
        """Values of a standard deviation."""
        return std * generator.standard_normal(shape)


def _uniform(generator: np.random.Generator, shape: Shape, std: float) -> NDArray[Any]:
    bound = 3**0.5 * std  # the variance of a uniform distribution is bound² / 3
    return generator.uniform(-bound, bound, shape)


def _at_least_0(name: str, value: float) -> Range:
    return name, 0 <= value < np.inf, "a finite number, 0 or more"


@register
@dataclass(frozen=True)
class HeNormal(_Scaled):
    """Normal with variance 2 / fan, for ReLU, which halves the mean square; Kaiming's in PyTorch.

    References
    ----------
    He, Zhang, Ren, Sun (2015), "Delving deep into rectifiers", arXiv:1502.01852, eq. 10 and 14; with a slope, eq. 15.

    >>> HeNormal()(np.random.default_rng(0), (200, 300)).std().round(3)  # sqrt(2 / 200)
    np.float64(0.1)
    """

    name: str = "he_normal"
    """How weights begin."""
    mode: Mode = "fan_in"
    """Keep the variance of activations (fan_in) or of gradients (fan_out)."""
    slope: float = 0.0
    """Of a leaky ReLU below zero: the variance is 2 / ((1 + slope²) fan)."""

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2 / ((1 + self.slope**2) * (fan_in if self.mode == "fan_in" else fan_out))

    def ranges(self) -> Iterator[Range]:
        yield _at_least_0("slope", self.slope)


@register
@dataclass(frozen=True)
class HeUniform(HeNormal):
    """Uniform with the variance of :class:`HeNormal`.

    >>> bool(abs(HeUniform()(np.random.default_rng(0), (6, 10))).max() <= 1)  # sqrt(6 / 6)
    True
    """

    name: str = "he_uniform"
    """How weights begin."""

    def of_std(self, generator: np.random.Generator, shape: Shape, std: float) -> NDArray[Any]:
        return _uniform(generator, shape, std)


@register
@dataclass(frozen=True)
class GlorotNormal(_Scaled):
    """Normal with variance 2 / (fan_in + fan_out), between what activations and what gradients ask for; Xavier's.

    References
    ----------
    Glorot, Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", eq. 12.

    >>> GlorotNormal()(np.random.default_rng(0), (100, 100)).std().round(2)
    np.float64(0.1)
    """

    name: str = "glorot_normal"
    """How weights begin."""
    gain: float = 1.0
    """Factor of all values; 5/3 is PyTorch's for tanh."""

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2 * self.gain**2 / (fan_in + fan_out)

    def ranges(self) -> Iterator[Range]:
        yield _at_least_0("gain", self.gain)


@register
@dataclass(frozen=True)
class GlorotUniform(GlorotNormal):
    """Uniform with the variance of :class:`GlorotNormal` (eq. 16 of the same paper).

    >>> bool(abs(GlorotUniform()(np.random.default_rng(0), (4, 2))).max() <= 1)  # sqrt(6 / 6)
    True
    """

    name: str = "glorot_uniform"
    """How weights begin."""

    def of_std(self, generator: np.random.Generator, shape: Shape, std: float) -> NDArray[Any]:
        return _uniform(generator, shape, std)


@register
@dataclass(frozen=True)
class LeCunNormal(_Scaled):
    """Normal with variance 1 / fan, which keeps that of a linear layer; for SELU, and tanh scaled to slope 1.

    References
    ----------
    LeCun, Bottou, Orr, Müller (1998), "Efficient BackProp", eq. 16.

    >>> LeCunNormal()(np.random.default_rng(0), (100, 300)).std().round(2)
    np.float64(0.1)
    """

    name: str = "lecun_normal"
    """How weights begin."""
    mode: Mode = "fan_in"
    """Keep the variance of activations (fan_in) or of gradients (fan_out)."""
    gain: float = 1.0
    """Factor of all values."""

    def variance(self, fan_in: int, fan_out: int) -> float:
        return self.gain**2 / (fan_in if self.mode == "fan_in" else fan_out)

    def ranges(self) -> Iterator[Range]:
        yield _at_least_0("gain", self.gain)


@register
@dataclass(frozen=True)
class LeCunUniform(LeCunNormal):
    """Uniform with the variance of :class:`LeCunNormal`.

    >>> bool(abs(LeCunUniform()(np.random.default_rng(0), (3, 9))).max() <= 1)  # sqrt(3 / 3)
    True
    """

    name: str = "lecun_uniform"
    """How weights begin."""

    def of_std(self, generator: np.random.Generator, shape: Shape, std: float) -> NDArray[Any]:
        return _uniform(generator, shape, std)
