"""Initializers as parts: a frozen dataclass of options that draws the initial value of one parameter.

Note [Fans]
The fans of a weight are how many inputs an output sums over, and how many outputs an input reaches: (in, out) of a
linear layer; for a convolution with a kernel of m x n, (C / groups) * m * n and (K / groups) * m * n. What a shape does
not tell, such as groups, its declaration does: ``param(..., fans=(fan_in, fan_out))``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import UsageError
from ddtrain.parts import Part

Shape = tuple[int, ...]
Fans = tuple[int, int]  # (fan_in, fan_out)


def fans_of(shape: Shape) -> Fans:
    """Fan-in and fan-out of a weight (..., in, out) whose other axes are those of a kernel.

    Raises
    ------
    UsageError : fewer than two axes

    >>> fans_of((3, 3, 16, 32))
    (144, 288)
    """
    if len(shape) < 2:
        raise UsageError(
            f"init: shape {shape} has no fans",
            remedy="Fans are of weights (..., in, out); use zeros, constant, normal or uniform for a vector.",
        )
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


@dataclass(frozen=True)
class Initializer(Part, kind="init", default="he_normal"):
    """The base of initializers: ``Initializer(name="normal", std=0.02)`` makes the one of that name.

    >>> Initializer(name="constant", value=0.5)(np.random.default_rng(0), (2,))
    array([0.5, 0.5])
    """

    name: str = ""

    def __call__(self, generator: np.random.Generator, shape: Shape) -> NDArray[Any]:
        """The initial value of a parameter whose fans are those of its shape."""
        return self.draw(generator, shape, None)

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        """The initial value, in float64.

        Parameters
        ----------
        generator : where random numbers come from
        fans : as declared; None: by the shape (Note [Fans])

        Raises
        ------
        UsageError : this initializer has no value of such a shape
        """
        raise NotImplementedError
