"""Initial values that are all the same."""

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
class Zeros(Initializer):
    """All zeros. Hidden units that begin alike stay alike: for output layers and the last layer of a residual branch.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 8.4.

    >>> Zeros()(np.random.default_rng(0), (2,))
    array([0., 0.])
    """

    name: str = "zeros"
    """How weights begin."""

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        return np.zeros(shape)


@register
@dataclass(frozen=True)
class Ones(Initializer):
    """All ones.

    For scales, which then begin as the identity.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 8.4.

    >>> Ones()(np.random.default_rng(0), (2,))
    array([1., 1.])
    """

    name: str = "ones"
    """How weights begin."""

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        return np.ones(shape)


@register
@dataclass(frozen=True)
class Constant(Initializer):
    """One value everywhere.

    References
    ----------
    Jozefowicz, Zaremba, Sutskever (2015), "An empirical exploration of recurrent network architectures": biases of
    forget gates begin at 1.

    >>> Constant(value=0.1)(np.random.default_rng(0), (2,))
    array([0.1, 0.1])
    """

    name: str = "constant"
    """How weights begin."""
    value: float = 0.0
    """Of every entry."""

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        return np.full(shape, float(self.value))

    def ranges(self) -> Iterator[Range]:
        yield "value", bool(np.isfinite(self.value)), "a finite number"
