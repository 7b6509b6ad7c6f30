"""Optimizers that scale the step of every parameter tensor by its norms, and what runs them.

Such a method takes two passes. The first measures: the norm of each parameter, and of what its step is compared with.
Once the norms of whole parameters are known, to all ranks, the second pass takes the step, as any other optimizer does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.optim.groups import Group, Segment, within
from ddtrain.optim.protocol import WHOLE, Alloc, Optim, Vector


@dataclass(frozen=True)
class LayerwiseOptim(Optim):
    """The base of optimizers whose learning rate differs from parameter to parameter, by their norms."""

    def measure_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, scale: float, count: int
    ) -> tuple[float, float]:
        """The first pass over a piece of a parameter, which may update ``state``.

        Returns
        -------
        The sum of squares of the values, and that of what the norm of the values is divided by.
        """
        raise NotImplementedError

    def trust_ratio(self, values_norm: float, compared_norm: float) -> float:
        """What the learning rate of a parameter is multiplied by, given the norms of the whole parameter."""
        raise NotImplementedError


class LayerNorms(Protocol):
    """Knows this rank's pieces of parameters, and adds up numbers over whole parameters.

    Attributes
    ----------
    pieces : this rank's, as slices of the vectors
    layers : the parameter that each belongs to
    """

    pieces: Sequence[slice]
    layers: Sequence[int]

    def sums(self, mine: Sequence[tuple[float, float]]) -> NDArray[Any]:
        """(parameters, 2) sums over all ranks' pieces of each parameter. Collective."""
        ...

    def moved(self, pieces: Sequence[slice]) -> LayerNorms:
        """The same, of vectors in which this rank's pieces lie elsewhere."""
        ...


class OneLayer:
    """A vector that is a single parameter, all of it on this rank."""

    def __init__(self, n: int) -> None:
        self.pieces: Sequence[slice] = [slice(0, n)]
        self.layers: Sequence[int] = [0]

    def sums(self, mine: Sequence[tuple[float, float]]) -> NDArray[Any]:
        """The only piece's numbers."""
        return np.asarray(mine)

    def moved(self, pieces: Sequence[slice]) -> OneLayer:
        """The same vector."""
        return self


class LayerwiseOptimizer:
    """Runs a layer-wise optimizer over flat vectors.

    Parameters
    ----------
    formula : the optimizer and its options
    n : length of the value vector
    dtype : of values, gradients and state
    alloc : where the vectors of its state come from
    segments : runs of the vector in groups of their own; all in one unless given
    norms : where parameters lie, and their sums over all ranks; the vector is one parameter unless given

    >>> from ddtrain.optim import Lars
    >>> optimizer = LayerwiseOptimizer(Lars(trust=0.5, momentum=0.0), 2, np.float64)
    >>> values = np.array([3.0, 4.0])  # of norm 5
    >>> optimizer.apply(values, np.array([0.0, 10.0]), lr=1.0)  # 1.0 * 0.5 * 5 / 10 * 10
    >>> values
    array([3. , 1.5])
    """

    def __init__(
        self,
        formula: LayerwiseOptim,
        n: int,
        dtype: DTypeLike,
        alloc: Alloc = np.zeros,
        segments: Sequence[Segment] = (),
        norms: LayerNorms | None = None,
    ) -> None:
        self.formula: Optim = formula
        self.state: dict[str, Vector] = {name: alloc(n, dtype) for name in formula.vectors()}
        self.count = 0
        self._norms = norms or OneLayer(n)
        known = segments or [Segment(slice(0, n), Group(formula))]
        self._groups = [found[0].group for found in (within(piece, known) for piece in self._norms.pieces) if found]

    def apply(
        self, values: Vector, grads: Vector, *, lr: float, scale: float = 1.0, spans: Sequence[slice] = WHOLE
    ) -> None:
        """One update in place of this rank's pieces, which are ``spans`` together. Collective."""
        self.count += 1
        pieces = [
            (values[at], grads[at], {name: vector[at] for name, vector in self.state.items()})
            for at in self._norms.pieces
        ]
        squares = [
            group.formula.measure_(*piece, scale=scale, count=self.count)  # type: ignore[attr-defined]
            for piece, group in zip(pieces, self._groups, strict=True)
        ]
        norms = np.sqrt(self._norms.sums(squares))
        for piece, group, layer in zip(pieces, self._groups, self._norms.layers, strict=True):
            ratio = group.formula.trust_ratio(*map(float, norms[layer]))  # type: ignore[attr-defined]
            group.formula.update_(*piece, lr=lr * group.lr_factor * ratio, scale=scale, count=self.count)
