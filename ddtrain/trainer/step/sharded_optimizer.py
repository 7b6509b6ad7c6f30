"""An optimizer of this node's share of the parameters: see Note [Sharded optimizer] in ``modes/sharded_sync.py``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import optim
from ddtrain.comm.protocol import Array
from ddtrain.optim.protocol import WHOLE


class ShardedOptimizer:
    """An optimizer of some spans of a vector; its state is as long as the spans together."""

    def __init__(self, config: optim.Optim, spans: Sequence[slice], dtype: DTypeLike) -> None:
        self.spans, size = spans, sum(span.stop - span.start for span in spans)
        self._inner = optim.make(config, size, dtype)
        self.state = self._inner.state  # state of this rank's spans, one after another
        self._values, self._grads = np.empty(size, dtype), np.empty(size, dtype)

    @property
    def count(self) -> int:
        """Updates so far."""
        return self._inner.count

    @count.setter
    def count(self, count: int) -> None:
        self._inner.count = count

    def apply(
        self, values: Array, grads: Array, *, lr: float, scale: float = 1.0, spans: Sequence[slice] = WHOLE
    ) -> None:
        """Update the values in the spans that this was made for."""
        pack(values, self.spans, self._values)
        pack(grads, self.spans, self._grads)
        self._inner.apply(self._values, self._grads, lr=lr, scale=scale)
        unpack(self._values, self.spans, values)


def pack(vector: Array, spans: Sequence[slice], out: Array) -> None:
    """Copy a vector's spans one after another to the beginning of ``out``."""
    at = 0
    for span in spans:
        out[at : at + span.stop - span.start] = vector[span]
        at += span.stop - span.start


def unpack(packed: Array, spans: Sequence[slice], out: Array) -> None:
    """The reverse of :func:`pack`."""
    at = 0
    for span in spans:
        out[span] = packed[at : at + span.stop - span.start]
        at += span.stop - span.start
