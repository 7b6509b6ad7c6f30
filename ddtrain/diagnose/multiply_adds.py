"""Multiply-adds of a function, counted where they are done: in its matrix products.

Every fused operation (convolution, attention, recurrence) is also a composition of others, and a trace that does not
fuse sees that one. So products of matrices and ``einsum`` are all there is to count, in layers of one's own, too.
Elementwise operations, pooling and normalisation count nothing, as usual in the literature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import Primitive, Trace, value_of

Charge = Callable[[int], None]  # is told the multiply-adds of one operation


class CountingTrace(Trace):
    """A trace that tells how many multiply-adds each operation on its values makes.

    >>> import ddtrain.numpy as dnp
    >>> from ddtrain.autodiff.core.boxes import box
    >>> counts = []
    >>> trace = CountingTrace(counts.append)
    >>> _ = dnp.matmul(box(np.ones((5, 3)), trace, True), np.ones((3, 2)))
    >>> counts
    [30]
    """

    __slots__ = ("charge",)

    def __init__(self, charge: Charge) -> None:
        super().__init__()
        self.charge = charge

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[Any],
    ) -> bool:
        if prim.__name__ in _COUNTS:
            self.charge(_COUNTS[prim.__name__](value_of(ans), *map(value_of, args)))
        return True


def _matmul(ans: Any, x: Any, y: Any) -> int:
    return int(np.size(ans) * np.shape(x)[-1])


def _einsum(ans: Any, subscripts: str, *operands: Any) -> int:
    """Two at a time, in the order that ``einsum_path`` finds; each pair costs the product of all its axes' lengths."""
    labels, output = subscripts.split("->")[0].split(","), subscripts.split("->")[1]
    lengths = {c: n for mine, x in zip(labels, operands) for c, n in zip(mine, np.shape(x))}
    total = 0
    for together in np.einsum_path(subscripts, *operands, optimize="greedy")[0][1:]:
        taken = [labels[k] for k in together]
        labels = [mine for k, mine in enumerate(labels) if k not in together]
        every = set("".join(taken))
        total += math.prod(lengths[c] for c in every) * (len(taken) - 1)
        labels.append("".join(sorted(every & set("".join([*labels, output])))))
    return total


_COUNTS: dict[str, Callable[..., int]] = {"matmul": _matmul, "einsum": _einsum}
