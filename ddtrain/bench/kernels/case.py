"""One line of the table: a kernel at one shape, and what it has to do at least.

Note [Least work]
Arithmetic is counted as the definition has it, two operations a product: a convolution that finds a way with fewer can
have more than 100 %. Bytes are those that any implementation must move for arrays that no cache holds: each input read
and each result written, once for every pass that cannot begin before another has ended, as batch-norm's cannot
normalise before it has the moments. What fits into a cache goes through it faster, so the copy beside each kernel moves
as many bytes as the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import rng

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A kernel's call, and how much it is (Note [Least work]).

    Attributes
    ----------
    kernel : ``family.function``
    shape : for the reader
    source : the workloads that have it
    call : the kernel on arrays that were drawn before
    flops, nbytes : one of them, the other is 0
    operands : what the twin in ``pytorch.py`` is made with
    drawn : the result is random, so that two can only agree roughly
    """

    kernel: str
    shape: str
    source: str
    call: Callable[[], Any]
    flops: float = 0.0
    nbytes: float = 0.0
    operands: tuple[Any, ...] = ()
    drawn: bool = False


Family = Callable[[], Iterator[Case]]
"""Makes the cases of one family one by one, because their arrays together would not fit into memory."""


class Draw:
    """Arrays of float32 for one family: normal numbers, because zeros are pages that the system has not made yet."""

    def __init__(self, family: str) -> None:
        self.generator = rng.stream(0, f"bench {family}")

    def __call__(self, *shape: int) -> Array:
        return self.generator.standard_normal(shape, np.float32)

    def integers(self, high: int, *shape: int) -> Array:
        """Indices below ``high``."""
        return self.generator.integers(0, high, shape)


def moved(*arrays: Array) -> float:
    """Bytes of the arrays that a kernel goes over, each as often as it is named.

    >>> moved(np.zeros(10, np.float32), np.zeros(10, np.float32))
    80.0
    """
    return float(sum(x.nbytes for x in arrays))
