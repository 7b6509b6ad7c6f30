"""Initial values that are matrices of a kind: they keep lengths and angles, or everything."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import UsageError
from ddtrain.nn.init.initializer import Fans, Initializer, Shape, fans_of
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A random matrix (fan-in, out) with orthonormal columns, or rows where it is wide, times ``gain``.

    A weight of more than two axes is taken as the matrix of its last axis and all the others. The distribution is
    uniform over such matrices (Haar's).

    References
    ----------
    Saxe, McClelland, Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", arXiv:1312.6120. The signs: Mezzadri (2007), "How to generate random matrices from the classical compact
    groups", arXiv:math-ph/0609050.

    >>> w = Orthogonal()(np.random.default_rng(0), (3, 2))
    >>> bool(np.allclose(w.T @ w, np.eye(2)))
    True
    """

    name: str = "orthogonal"
    """How weights begin."""
    gain: float = 1.0
    """Length of the vectors."""

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        if len(shape) < 2:
            raise UsageError(
                f"init orthogonal: shape {shape} has fewer than two axes",
                remedy="Give a vector zeros, constant, normal or uniform.",
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)  # QR alone favours some signs
        return (self.gain * (q if rows >= columns else q.T)).reshape(shape)

    def ranges(self) -> Iterator[Range]:
        yield "gain", 0 <= self.gain < np.inf, "a finite number, 0 or more"


@register
@dataclass(frozen=True)
class Identity(Initializer):
    """A layer that gives out what comes in, times ``gain``: the unit matrix; for a convolution, in its kernel's centre.

    In a convolution with groups each group has the identity. The centre of an even kernel is the one that
    ``padding="same"`` makes the identity.

    >>> Identity()(np.random.default_rng(0), (2, 2))
    array([[1., 0.],
           [0., 1.]])
    """

    name: str = "identity"
    """How weights begin."""
    gain: float = 1.0
    """Of the entries on the diagonal."""

    def draw(self, generator: np.random.Generator, shape: Shape, fans: Fans | None) -> NDArray[Any]:
        fan_in, fan_out = (fans or fans_of(shape)) if len(shape) >= 2 else (0, 1)
        if fan_in != fan_out:
            raise UsageError(
                f"init identity: there is no identity of shape {shape}",
                remedy="It needs as many outputs as inputs; use orthogonal for other shapes.",
            )
        x = np.zeros(shape)
        centre = x[tuple((n - 1) // 2 for n in shape[:-2])]
        outputs = np.arange(shape[-1])
        centre[outputs % shape[-2], outputs] = self.gain
        return x

    def ranges(self) -> Iterator[Range]:
        yield "gain", bool(np.isfinite(self.gain)), "a finite number"
