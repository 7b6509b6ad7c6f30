"""How a primitive declares the calls that the conformance suite differentiates.

``examples=lambda r: [case(r(3, 4), axis=0)]``: ``r`` is a seeded source of arrays, ``case`` holds one call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Case:
    """One call: its arguments, and which of them to differentiate (by default every floating array)."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    argnums: tuple[int, ...] | None = None

    @property
    def differentiated(self) -> tuple[int, ...]:
        """Positions of the arguments that are differentiated."""
        if self.argnums is not None:
            return self.argnums
        floating = (np.ndarray, np.floating, np.complexfloating)
        return tuple(i for i, a in enumerate(self.args) if isinstance(a, floating) and np.asarray(a).dtype.kind in "fc")


def case(*args: Any, argnums: tuple[int, ...] | None = None, **kwargs: Any) -> Case:
    """One call of a primitive.

    >>> case(np.ones(2), np.arange(2), axis=0).differentiated
    (0,)
    """
    return Case(args, kwargs, argnums)


class Sampler:
    """A seeded source of example arrays, in float64 unless another dtype is set."""

    def __init__(self, seed: int = 0, dtype: Any = np.float64) -> None:
        self._rng, self.dtype = np.random.default_rng(seed), np.dtype(dtype)

    def __call__(self, *shape: int) -> NDArray[Any]:
        """Normal numbers (complex ones for a complex dtype)."""
        x = self._rng.standard_normal(shape)
        if self.dtype.kind == "c":
            x = x + 1j * self._rng.standard_normal(shape)
        return np.asarray(x, self.dtype)

    def positive(self, *shape: int) -> NDArray[Any]:
        """Numbers in [0.5, 2.5)."""
        return np.asarray(0.5 + 2 * self._rng.random(shape), self.dtype)

    def unit(self, *shape: int) -> NDArray[Any]:
        """Numbers in (-0.9, 0.9)."""
        return np.asarray(1.8 * self._rng.random(shape) - 0.9, self.dtype)

    def spaced(self, *shape: int) -> NDArray[Any]:
        """Distinct numbers at least 0.1 apart and 0.05 from zero: for functions with kinks and ties."""
        n = int(np.prod(shape))
        return np.asarray((self._rng.permutation(n) - n // 2 + 0.5).reshape(shape) * 0.1, self.dtype)

    def integers(self, high: int, *shape: int) -> NDArray[np.int64]:
        """Integers in [0, high)."""
        return self._rng.integers(0, high, shape)
