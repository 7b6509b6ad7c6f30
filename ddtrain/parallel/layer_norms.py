"""Norms of every parameter tensor, for optimizers that scale the step of each layer by them (LARS, LAMB).

A parameter is cut at the borders of cells (Note [Cells] in ``parallel/buckets.py``), which the model's layout alone
decides. Each rank measures the pieces in its share, and all ranks add up a parameter's pieces in the order of the
layout: neither the number of ranks nor the size of buckets changes a bit.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.protocol import Node
from ddtrain.parallel.bucket_shares import BucketShares
from ddtrain.parallel.buckets import Bucket
from ddtrain.parallel.shared_numbers import SharedNumbers

Array = NDArray[Any]
_FIGURES = 2  # numbers a piece: of the values, and of what they are compared with


class LayerNorms:
    """Sums over each parameter, of numbers that ranks work out piece by piece. Making one is collective over the node.

    Parameters
    ----------
    spans : where each parameter lies in the flat vector
    counter : one of the node's, used by nobody else

    Attributes
    ----------
    pieces : this rank's, as slices of the flat vector
    layers : the parameter that each of these belongs to, counted in the order of ``spans``

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> from ddtrain.parallel import make_buckets
    >>> from ddtrain.parallel.bucket_shares import make_shares
    >>> node, spans = LocalCommunicator().split_nodes(), [slice(2, 5), slice(0, 2)]
    >>> buckets = make_buckets(spans, itemsize=8, bucket_bytes=8)
    >>> norms = LayerNorms(buckets, make_shares(buckets, node, 1, False), spans, node, counter=0)
    >>> x = np.array([3.0, 4.0, 1.0, 2.0, 2.0])
    >>> norms.sums([(np.dot(x[piece], x[piece]), 0.0) for piece in norms.pieces])[:, 0]
    array([ 9., 25.])
    """

    def __init__(
        self, buckets: Sequence[Bucket], shares: BucketShares, spans: Sequence[slice], node: Node, counter: int
    ) -> None:
        cells = [cell for bucket in buckets for cell in bucket.cells]
        pieces = [(cell.start, piece, layer) for cell in cells for piece, layer in _cut(cell, spans)]
        kept = {cell.start for cells in shares.kept for cell in cells}
        summed = {cell.start for cells in shares.summed for cell in cells}

        def numbers_of(some: set[int]) -> list[int]:
            inside = [k for k, (cell, _, _) in enumerate(pieces) if cell in some]
            return [k * _FIGURES + figure for k in inside for figure in range(_FIGURES)]

        self.pieces: Sequence[slice] = [piece for cell, piece, _ in pieces if cell in kept]
        self.layers: Sequence[int] = [layer for cell, _, layer in pieces if cell in kept]
        self._layer_of = np.array([layer for _, _, layer in pieces], np.intp)
        self._count = len(spans)
        self._shared = SharedNumbers(
            len(pieces) * _FIGURES,
            kept=numbers_of(kept),
            summed=numbers_of(summed),
            scattered=bool(shares.kept_by_node),
            node=node,
            counter=counter,
        )

    def sums(self, mine: Sequence[tuple[float, float]]) -> Array:
        """(parameters, 2) sums over all pieces of each parameter, the same bits on every rank. Collective.

        Parameters
        ----------
        mine : the two numbers of each of this rank's pieces
        """
        numbers = self._shared.exchange(np.asarray(mine, np.float64).reshape(-1)).reshape(-1, _FIGURES)
        sums = np.zeros((self._count, _FIGURES))
        with np.errstate(over="ignore", invalid="ignore"):
            np.add.at(sums, self._layer_of, numbers)  # one after another, in the order of the layout
        return sums

    def moved(self, pieces: Sequence[slice]) -> LayerNorms:
        """The same, of a vector in which this rank's pieces lie elsewhere."""
        other = copy.copy(self)
        other.pieces = pieces
        return other


def _cut(cell: slice, spans: Sequence[slice]) -> list[tuple[slice, int]]:
    """The parts of a cell by parameter, in the order of the layout, with the parameter's number."""
    parts = [(slice(max(cell.start, span.start), min(cell.stop, span.stop)), layer) for layer, span in enumerate(spans)]
    return sorted(((part, layer) for part, layer in parts if part.stop > part.start), key=lambda pair: pair[0].start)
