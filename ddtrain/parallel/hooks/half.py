"""Two bytes an element on the wire, float16 or bfloat16, with error feedback; sums are made in the run's own type."""

from __future__ import annotations

from typing import ClassVar

from numpy.typing import DTypeLike

from ddtrain.parallel.hooks.codecs import Bfloat16, Codec, Float16
from ddtrain.parallel.hooks.compressed_allreduce import CompressedAllreduce
from ddtrain.parallel.hooks.hook import HookConfig


class Float16Sum(CompressedAllreduce):
    """Half the bytes of float32; 1024 elements share a power of two, so that no gradient is too small or large.

    >>> import numpy as np
    >>> from ddtrain.comm import run_ranks
    >>> from ddtrain.parallel.hooks import GradBucket
    >>> def main(comm):
    ...     hook = Float16Sum(count=2, dtype=float)
    ...     hook.connect(comm)
    ...     bucket = GradBucket(np.array([1.0, 0.5]), start=0)
    ...     hook(bucket, comm).wait()
    ...     if comm.rank == 0:
    ...         print(bucket.gradients)
    >>> run_ranks("threads:2", main)
    [2. 1.]
    0
    """

    name: ClassVar[str] = "float16"
    codec: ClassVar[Codec] = Float16()


class Bfloat16Sum(CompressedAllreduce):
    """Half the bytes of float32, with its range and 8 bits of precision."""

    name: ClassVar[str] = "bfloat16"
    codec: ClassVar[Codec] = Bfloat16()


def make_float16(config: HookConfig, count: int, dtype: DTypeLike) -> Float16Sum:
    """float16 has no options."""
    return Float16Sum(count, dtype)


def make_bfloat16(config: HookConfig, count: int, dtype: DTypeLike) -> Bfloat16Sum:
    """bfloat16 has no options."""
    return Bfloat16Sum(count, dtype)
