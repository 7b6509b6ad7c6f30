"""An optimizer at work: its formula over a flat vector, group by group, and the vectors that it remembers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.optim.groups import Group, Segment, within
from ddtrain.optim.probing import ProbingOptim
from ddtrain.optim.protocol import WHOLE, Alloc, Optim, Vector


class FlatOptimizer:
    """Runs an optimizer's formula over flat vectors.

    Parameters
    ----------
    formula : the optimizer and its options
    n : length of the value vector
    dtype : of values, gradients and state
    alloc : where the vectors of its state come from
    pieces : runs of the vector in groups of their own; all in one unless given

    >>> optimizer = FlatOptimizer(Optim(name="sgd", momentum=0.0), 3, np.float64)
    >>> values = np.array([1.0, 1.0, 1.0])
    >>> optimizer.apply(values, np.array([1.0, 2.0, 3.0]), lr=0.5, spans=[slice(1, 3)])
    >>> values
    array([ 1. ,  0. , -0.5])
    """

    def __init__(
        self,
        formula: Optim,
        n: int,
        dtype: DTypeLike,
        alloc: Alloc = np.zeros,
        pieces: Sequence[Segment] = (),
    ) -> None:
        self.formula: Optim = formula
        self.state: dict[str, Vector] = {name: alloc(n, dtype) for name in formula.vectors()}
        self.count = 0
        self._pieces = pieces or [Segment(slice(0, n), Group(formula))]
        self._size = n
        # the pieces of a span, which is the same in every step
        self._cut: dict[tuple[int, int], list[tuple[slice, Group]]] = {}

    def apply(
        self, values: Vector, grads: Vector, *, lr: float, scale: float = 1.0, spans: Sequence[slice] = WHOLE
    ) -> None:
        """One update in place; see :meth:`Optimizer.apply`."""
        self.count += 1  # before the update, because bias corrections count from 1
        for span in spans:
            for at, group in self._groups_in(span):
                state = {name: vector[at] for name, vector in self.state.items()}
                group.formula.update_(
                    values[at], grads[at], state, lr=lr * group.lr_factor, scale=scale, count=self.count
                )

    def probe(self, values: Vector, grads: Vector, *, scale: float, spans: Sequence[slice] = WHOLE) -> None:
        """Move the values in ``spans`` to the point whose gradient the optimizer wants; see :class:`ProbingOptim`."""
        for span in spans:
            for at, group in self._groups_in(span):
                state = {name: vector[at] for name, vector in self.state.items()}
                assert isinstance(group.formula, ProbingOptim)
                group.formula.probe_(values[at], grads[at], state, scale=scale)

    def _groups_in(self, span: slice) -> list[tuple[slice, Group]]:
        start, stop, _ = span.indices(self._size)
        found = self._cut.get((start, stop))
        if found is None:
            pieces = within(slice(start, stop), self._pieces)
            found = self._cut[start, stop] = [(piece.span, piece.group) for piece in pieces]
        return found
