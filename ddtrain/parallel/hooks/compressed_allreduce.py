"""An allreduce of codes: each rank collects its slice of the bucket from all, sums it, and sends the sum to all.

In both directions a code travels instead of the numbers, and the rank that encodes keeps what the code leaves out, of
its gradients and of the sum of its slice. All ranks decode the same codes, so all end with the same bits.
P times fewer bytes are sent than if everyone sent its code to everyone (Tang et al. 2019, "DoubleSqueeze",
arXiv:1905.05957).

P ranks, n elements of the bucket, m elements of this rank's slice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.comm.protocol import Communicator
from ddtrain.parallel.hooks.bytes_sent import allgather_bytes
from ddtrain.parallel.hooks.codecs import Codec
from ddtrain.parallel.hooks.error_feedback import ErrorFeedback, update_residual
from ddtrain.parallel.hooks.exchange_stages import Stages
from ddtrain.parallel.hooks.grad_bucket import Array, GradBucket
from ddtrain.partition import part_bounds


class CompressedAllreduce(ErrorFeedback):
    """An allreduce of codes; subclasses name the codec."""

    codec: ClassVar[Codec]
    residuals: ClassVar[tuple[str, ...]] = ("residual", "served")

    def __init__(self, count: int, dtype: DTypeLike) -> None:
        super().__init__(count, dtype)
        # residual of the sums that this rank made; the name is part of the checkpoint format
        self.served = np.zeros(count, dtype)

    def exchange(self, bucket: GradBucket, comm: Communicator, second: Communicator) -> Stages:
        """Send each rank the code of its slice; then send the code of the summed slice to all ranks."""
        codec, gradients_n, residual_n = self.codec, bucket.gradients, self.residual[bucket.span]
        slices = [slice(*part_bounds(gradients_n.size, rank, comm.size)) for rank in range(comm.size)]
        longest = max(part.stop - part.start for part in slices)

        gradients_n += residual_n
        decoded_n = np.empty_like(gradients_n)
        # row lengths are multiples of 4, so that the float32 scales are aligned
        codes_P = np.zeros((comm.size, 4 * -(-codec.nbytes(longest) // 4)), np.uint8)
        for part, code in zip(slices, codes_P, strict=True):
            codec.encode(gradients_n[part], code)
            codec.decode(code, decoded_n[part])
        update_residual(residual_n, gradients_n, decoded_n)
        mine = slices[comm.rank]
        arrived_P = np.empty_like(codes_P)
        self.bytes_sent += 2 * allgather_bytes(codes_P.shape[1], comm.size)
        yield comm.ialltoall(codes_P, arrived_P)

        sum_m, decoded_m = self.served[bucket.span][mine].copy(), decoded_n[mine]
        for code in arrived_P:
            codec.decode(code, decoded_m)
            sum_m += decoded_m
        codec.encode(sum_m, codes_P[comm.rank])
        codec.decode(codes_P[comm.rank], decoded_m)
        update_residual(self.served[bucket.span][mine], sum_m, decoded_m)
        yield second.iallgather(codes_P[comm.rank], arrived_P)

        for part, code in zip(slices, arrived_P, strict=True):
            codec.decode(code, gradients_n[part])

    def state_dict(self) -> dict[str, Array]:
        """Both residuals, each as long as the flat gradient vector."""
        return {**super().state_dict(), "served": self.served.copy()}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Load a saved state."""
        super().load_state_dict(state)
        self.served[...] = state["served"]

    def unsent(self) -> Array | None:
        """Both residuals."""
        return self.residual + self.served

    def set_unsent(self, unsent: Array) -> None:
        """Take this as the residual of the gradients, and 0 as that of the sums."""
        super().set_unsent(unsent)
        self.served[...] = 0
