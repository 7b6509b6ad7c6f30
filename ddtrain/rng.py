"""Counter-based random numbers: a value depends on its key alone, never on who asked before.

Keys are (seed, purpose, counters). A rank that holds samples 40..60 of a batch draws exactly the numbers that
one rank holding all of them would have drawn for those samples, so masks and shuffles do not depend on the
number of ranks, on the order of layers, or on a resume.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.kernels import dropout as kernel


@cache
def _purpose_key(purpose: str) -> int:
    return int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=8).digest(), "little")


def _words(seed: int, purpose: str, block: int, counters: tuple[int, ...]) -> NDArray[np.uint64]:
    """The key and the counter, of 2 and 4 words."""
    if len(counters) > 2:
        raise ValueError(f"rng: at most two counters, got {counters}")
    high = [c & 0xFFFFFFFFFFFFFFFF for c in counters] + [0] * (2 - len(counters))
    return np.array([seed & 0xFFFFFFFFFFFFFFFF, _purpose_key(purpose), block, 0, *high], np.uint64)


def _philox(seed: int, purpose: str, counters: tuple[int, ...]) -> np.random.Philox:
    words_6 = _words(seed, purpose, 0, counters)
    return np.random.Philox(key=words_6[:2], counter=words_6[2:])


def stream(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """A generator for one purpose, independent of every other purpose and counter.

    Parameters
    ----------
    seed : the run's seed
    purpose : what the numbers are for, e.g. ``"init/head.weight"``
    counters : up to two integers, e.g. epoch or step

    >>> stream(0, "shuffle", 3).permutation(5)
    array([0, 2, 1, 4, 3])
    """
    return np.random.Generator(_philox(seed, purpose, counters))


def sample_streams(seed: int, purpose: str, epoch: int, samples: Iterable[int]) -> Iterator[np.random.Generator]:
    """For each sample in turn the generator ``stream(seed, purpose, epoch, sample)``, in a fraction of the time.

    It is one generator, which every step of the iteration sets to the next sample: draw from it before going on.

    >>> [int(generator.integers(100)) for generator in sample_streams(0, "crop", 3, [7, 5])]
    [60, 25]
    >>> int(stream(0, "crop", 3, 5).integers(100))
    25
    """
    bits = _philox(seed, purpose, (epoch, 0))
    generator, state = np.random.Generator(bits), bits.state
    counter, key = (state["state"][name].tolist() for name in ("counter", "key"))  # lists are read faster than arrays
    state |= {"state": {"counter": counter, "key": key}, "buffer": state["buffer"].tolist()}
    for sample in samples:
        counter[3] = int(sample)
        bits.state = state
        yield generator


def sample_uniform(
    seed: int, purpose: str, step: int, first: int, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[np.floating]:
    """Uniform numbers in [0, 1), one row for each of the samples ``first, first + 1, ...`` of a global batch.

    Every sample owns its own run of the counter, so any split of a batch into rows gives the same rows.
    The numbers have 24 random bits whatever the dtype, so float32 and float64 runs drop the same units.

    Parameters
    ----------
    first : position of the first row in the global batch
    shape : (rows, ...); a row's shape is ``shape[1:]``

    >>> whole = sample_uniform(0, "dropout", 7, 0, (4, 3))
    >>> bool((whole[2:] == sample_uniform(0, "dropout", 7, 2, (2, 3))).all())
    True
    """
    rows, features = shape[0], math.prod(shape[1:])
    words_6 = _words(seed, purpose, first * kernel.blocks(features), (step,))
    return kernel.uniform(words_6, rows, features, np.dtype(dtype)).reshape(shape)


@dataclass(frozen=True, slots=True)
class SampleRng:
    """Randomness for one forward pass over rows ``first, first + 1, ...`` of the global batch of one step.

    >>> whole = SampleRng(seed=0, step=7).uniform("dropout", (4, 3))
    >>> bool((whole[2:] == SampleRng(seed=0, step=7, first=2).uniform("dropout", (2, 3))).all())
    True
    """

    seed: int
    step: int
    first: int = 0

    def uniform(self, purpose: str, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[np.floating]:
        """See :func:`sample_uniform`."""
        return sample_uniform(self.seed, purpose, self.step, self.first, shape, dtype)
