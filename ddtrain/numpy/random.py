"""NumPy's random numbers, unchanged: a sample is a constant of the trace.

A training step draws from ``ddtrain.rng`` instead, whose numbers do not depend on who asks first.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # what __getattr__ below loads on first use, as NumPy does
    from numpy.random import (
        Generator,
        Philox,
        RandomState,
        SeedSequence,
        choice,
        default_rng,
        normal,
        permutation,
        rand,
        randint,
        randn,
        random,
        seed,
        shuffle,
        standard_normal,
        uniform,
    )

__all__ = [
    "Generator", "Philox", "RandomState", "SeedSequence", "choice", "default_rng", "normal", "permutation", "rand",
    "randint", "randn", "random", "seed", "shuffle", "standard_normal", "uniform",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if hasattr(np.random, name):
        globals()[name] = found = getattr(np.random, name)
        return found
    raise AttributeError(f"neither numpy nor ddtrain.numpy has a name {'random.' + name!r}")
