"""An optimizer of this node's share of the parameters: see Note [Sharded optimizer] in ``modes/sharded_sync.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import optim
from ddtrain.comm.protocol import Array
from ddtrain.optim.groups import Segment, within
from ddtrain.optim.protocol import WHOLE


class ShardedOptimizer:
    """An optimizer of some spans of a vector; its state is as long as the spans together.

    Parameters
    ----------
    pieces : runs of the whole vector with options of their own
    average : of the values, with its times in updates
    """

    def __init__(
        self,
        config: optim.Optim,
        spans: Sequence[slice],
        dtype: DTypeLike,
        pieces: Sequence[Segment] = (),
        norms: optim.LayerNorms | None = None,
        average: optim.Average | None = None,
    ) -> None:
        self.spans, size = spans, sum(span.stop - span.start for span in spans)
        mine = [piece for span in spans for piece in within(span, pieces)]
        places = _packed([piece.span for piece in mine], spans)
        segments = [Segment(place, piece.group) for place, piece in zip(places, mine, strict=True)]
        if norms is not None:
            norms = norms.moved(_packed(norms.pieces, spans))
        self.formula = config
        self._inner = optim.make(config, size, dtype, pieces=segments, norms=norms, average=average)
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

    def probe(self, values: Array, grads: Array, *, scale: float, spans: Sequence[slice] = WHOLE) -> None:
        """Move the values in the spans that this was made for to the point whose gradient the optimizer wants."""
        pack(values, self.spans, self._values)
        pack(grads, self.spans, self._grads)
        cast(optim.Prober, self._inner).probe(self._values, self._grads, scale=scale, spans=WHOLE)
        unpack(self._values, self.spans, values)


def _packed(places: Sequence[slice], spans: Sequence[slice]) -> list[slice]:
    """Where places, each inside one of the spans, lie when the spans are packed one after another."""
    starts, at = {}, 0
    for span in spans:
        starts[span.start, span.stop] = at
        at += span.stop - span.start
    packed = []
    for place in places:
        first, start = next((s[0], at) for s, at in starts.items() if s[0] <= place.start and place.stop <= s[1])
        packed.append(slice(start + place.start - first, start + place.stop - first))
    return packed


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
