"""Sums over all axes but the channels, in C; see ``kernels/channel_sums.py``."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ddtrain.kernels import channel_sums as reference
from ddtrain.kernels.native.layouts import columns, contiguous, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin

Array = NDArray[Any]
library = Library("channel_sums", {"channel_sums": "pppnn"})


@twin(
    reference.channel_sums,
    library,
    "channel_sums",
    examples=lambda r: [
        (r(*shape),) for shape in [(0, 3), (1, 1), (3, 2, 4), (9, 5, 3), (70, 24), (33, 100), (4, 9, 9, 16), (9000, 1)]
    ],
    ulps=32.0,  # of the largest: the reference adds up to some thousand terms in the data's precision
)
def channel_sums(x: Array, out: Array | None = None) -> Any:
    dtype, channels = x.dtype, x.shape[-1]
    call = library.function("channel_sums", dtype)
    if call is None or not channels or not contiguous(x):
        return NotImplemented
    sums = result((channels,), dtype, out)
    call(x, sums, columns(2, channels), x.size // channels, channels)
    return sums
