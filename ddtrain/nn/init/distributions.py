"""Random initial values of a spread that is told, whatever the shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.nn.init.initializer import Fans, Initializer, Shape
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Normal(Initializer):
    """Normal with standard deviation ``std`` around zero.

    >>> Normal(std=0.02)(np.random.default_rng(0), (100, 100)).std().round(3)
    np.float64(0.02)
    """

    name: str = "normal"
    """How weights begin."""
    std: float = 0.01
    """Standard deviation."""

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        return self.std * generator.standard_normal(shape)

    def ranges(self) -> Iterator[Range]:
        yield "std", 0 <= self.std < np.inf, "a finite number, 0 or more"


@register
@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """Normal with standard deviation ``std``, drawn again where it lies beyond ``cut`` standard deviations.

    What remains has a smaller deviation than ``std``, 0.88 of it at a cut of 2; as in PyTorch, and unlike Keras, it is
    not scaled up again.

    >>> bool(abs(TruncatedNormal(std=0.5)(np.random.default_rng(0), (1000,))).max() <= 1)
    True
    """

    name: str = "truncated_normal"
    """How weights begin."""
    std: float = 0.02
    """Standard deviation, before anything is cut off."""
    cut: float = 2.0
    """The largest value, in standard deviations."""

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        x = generator.standard_normal(shape)
        while (beyond := np.abs(x) > self.cut).any():
            x[beyond] = generator.standard_normal(np.count_nonzero(beyond))
        return self.std * x

    def ranges(self) -> Iterator[Range]:
        yield "std", 0 <= self.std < np.inf, "a finite number, 0 or more"
        yield "cut", self.cut >= 0.1, "at least 0.1: nearly everything is drawn again below"


@register
@dataclass(frozen=True)
class Uniform(Initializer):
    """Uniform in ±``bound``.

    >>> bool(abs(Uniform(bound=0.5)(np.random.default_rng(0), (1000,))).max() <= 0.5)
    True
    """

    name: str = "uniform"
    """How weights begin."""
    bound: float = 0.1
    """The largest value."""

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        return generator.uniform(-self.bound, self.bound, shape)

    def ranges(self) -> Iterator[Range]:
        yield "bound", 0 <= self.bound < np.inf, "a finite number, 0 or more"
