"""What a hook is given: a run of the flat gradient vector, and the matrices whose whole rows lie inside it.

Like ``torch.distributed.GradBucket``; if a node's ranks share a bucket, it is the part that one of them sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Whole rows of one parameter: ``rows`` times ``columns`` elements of a bucket, from element ``start`` on.

    >>> Matrix(start=2, rows=2, columns=3).span
    slice(2, 8, None)
    """

    start: int
    rows: int
    columns: int

    @property
    def span(self) -> slice:
        """Its elements within the bucket."""
        return slice(self.start, self.start + self.rows * self.columns)


@dataclass(frozen=True, slots=True)
class GradBucket:
    """A bucket, or the slice of it that this rank exchanges with its column.

    Parameters
    ----------
    gradients : (n,) view of the flat gradient vector, to be replaced by the sum over the ranks
    start : where the view begins in that vector
    matrices : the whole rows that the bucket has of parameters with two or more axes
    index : the bucket's number, which tells empty buckets at the same place apart

    >>> import numpy as np
    >>> GradBucket(np.zeros(3), start=5).span
    slice(5, 8, None)
    """

    gradients: Array
    start: int
    matrices: tuple[Matrix, ...] = ()
    index: int = 0

    @property
    def span(self) -> slice:
        """The bucket's place in the flat gradient vector."""
        return slice(self.start, self.start + self.gradients.size)


def make_grad_bucket(
    grads: Array, span: slice, spans: Sequence[slice], shapes: Sequence[tuple[int, ...]], index: int = 0
) -> GradBucket:
    """The bucket ``span`` of the flat vector ``grads``, in which parameter i has ``spans[i]`` and ``shapes[i]``.

    A parameter of more than two axes counts as a matrix whose columns are its last axis: a convolution's
    (height, width, in, out) has one column for each output channel, as a linear layer's (in, out) has.

    >>> import numpy as np
    >>> bucket = make_grad_bucket(np.zeros(14), slice(3, 12), [slice(2, 14), slice(0, 2)], [(4, 3), (2,)])
    >>> bucket.matrices  # the rows 5..7 and 8..10 are whole; 3, 4 and 11 are parts of others
    (Matrix(start=2, rows=2, columns=3),)
    """
    matrices = []
    for whole, shape in sorted(zip(spans, shapes, strict=True), key=lambda pair: pair[0].start):
        columns = shape[-1] if len(shape) > 1 else 0
        first, last = max(whole.start, span.start), min(whole.stop, span.stop)
        if columns and first < last:
            above, below = -((whole.start - first) // columns), (last - whole.start) // columns
            if above < below:
                start = whole.start + above * columns - span.start
                matrices.append(Matrix(start, below - above, columns))
    return GradBucket(grads[span], span.start, tuple(matrices), index)
