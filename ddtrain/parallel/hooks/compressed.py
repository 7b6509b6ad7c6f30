"""Codes both ways: every rank collects its slice of the piece from all, sums it, and sends the sum to all.

Both times a code travels instead of the numbers, and whoever encodes keeps what the code leaves out: a rank for its
gradients, and, for the sum of its slice, once more. Decoding is the same on every rank, so the result is.
P times fewer bytes are sent than if everyone sent its code to everyone (Tang et al. 2019, "DoubleSqueeze",
arXiv:1905.05957).

P ranks, n elements of the piece, m elements of this rank's slice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.comm.protocol import Communicator
from ddtrain.comm.reduction_tree import bounds
from ddtrain.parallel.hooks.base import ErrorFeedback, allgather_bytes, keep_rest
from ddtrain.parallel.hooks.codecs import Codec
from ddtrain.parallel.hooks.exchange_stages import Stages
from ddtrain.parallel.hooks.grad_bucket import Array, Piece


class Squeezed(ErrorFeedback):
    """A hook whose subclasses name a codec."""

    codec: ClassVar[Codec]
    additive: ClassVar[tuple[str, ...]] = ("residual", "served")

    def __init__(self, count: int, dtype: DTypeLike) -> None:
        super().__init__(count, dtype)
        self.served = np.zeros(count, dtype)  # the rest of the sums that this rank made

    def exchange(self, piece: Piece, comm: Communicator, second: Communicator) -> Stages:
        """Codes of all slices to their ranks; the code of the summed slice to all."""
        codec, gradients_n, residual_n = self.codec, piece.gradients, self.residual[piece.span]
        slices = [slice(*bounds(gradients_n.size, rank, comm.size)) for rank in range(comm.size)]
        longest = max(part.stop - part.start for part in slices)

        gradients_n += residual_n
        decoded_n = np.empty_like(gradients_n)
        codes_P = np.zeros((comm.size, 4 * -(-codec.nbytes(longest) // 4)), np.uint8)  # rows aligned for their scales
        for part, code in zip(slices, codes_P, strict=True):
            codec.encode(gradients_n[part], code)
            codec.decode(code, decoded_n[part])
        keep_rest(residual_n, gradients_n, decoded_n)
        mine = slices[comm.rank]
        arrived_P = np.empty_like(codes_P)
        self.bytes_sent += 2 * allgather_bytes(codes_P.shape[1], comm.size)
        yield comm.ialltoall(codes_P, arrived_P)

        sum_m, decoded_m = self.served[piece.span][mine].copy(), decoded_n[mine]
        for code in arrived_P:
            codec.decode(code, decoded_m)
            sum_m += decoded_m
        codec.encode(sum_m, codes_P[comm.rank])
        codec.decode(codes_P[comm.rank], decoded_m)
        keep_rest(self.served[piece.span][mine], sum_m, decoded_m)
        yield second.iallgather(codes_P[comm.rank], arrived_P)

        for part, code in zip(slices, arrived_P, strict=True):
            codec.decode(code, gradients_n[part])

    def state_dict(self) -> dict[str, Array]:
        """Both rests, at each element's place in the flat gradient vector."""
        return {**super().state_dict(), "served": self.served.copy()}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take up a saved memory."""
        super().load_state_dict(state)
        self.served[...] = state["served"]

    def owed(self) -> Array | None:
        """Both rests."""
        return self.residual + self.served

    def owe(self, owed: Array) -> None:
        """Keep this as the rest of the gradients, and nothing of sums."""
        super().owe(owed)
        self.served[...] = 0
