"""What an update costs: its time over that of a copy of the bytes that it has to move (Note [Copy limit], bench comm).

With k vectors of state, an update of n numbers reads values, gradients and state once, and writes values and state
once: 3 + 2 k vectors. A copy that reads and writes half of that moves as many bytes. A layer-wise optimizer cannot take
its step before it has the norms of whole parameters, so it reads its vectors a second time, which its ratio shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain import optim, rng
from ddtrain.bench import text_tables
from ddtrain.bench.timing import alternate, quartiles
from ddtrain.optim import Optim

LIMIT = 1.3  # largest allowed ratio of an update's time to the copy's
_DTYPE = np.dtype(np.float32)


def measure(optimizers: Sequence[str], elements: int, repeats: int) -> dict[str, Any]:
    """Milliseconds of each optimizer's update and of the copy, by turns, and their ratio, pair by pair.

    Parameters
    ----------
    elements : length of the vectors, of float32
    repeats : measurements of each
    """
    found = {}
    for name in optimizers:
        found[name] = _figures(Optim(name=name), elements, repeats)
        text_tables.progress(f"update of {name}: {found[name]['ratio']['median']} times the copy")
    return found


def moved_bytes(formula: Optim, elements: int) -> int:
    """Bytes that an update reads and writes at least.

    >>> moved_bytes(Optim(name="sgd", momentum=0.0), 1000), moved_bytes(Optim(name="adam"), 1000)
    (12000, 28000)
    """
    return (3 + 2 * len(formula.vectors())) * elements * _DTYPE.itemsize


def _figures(formula: Optim, elements: int, repeats: int) -> dict[str, Any]:
    optimizer = optim.make(formula, elements, _DTYPE)
    # The numbers are drawn, because zeros would be pages that the system has not made yet, or denormal before long.
    generator = rng.stream(0, "bench update")
    values, grads = (generator.standard_normal(elements, _DTYPE) for _ in range(2))
    nbytes = moved_bytes(formula, elements)
    source = generator.standard_normal(nbytes // 2 // _DTYPE.itemsize, _DTYPE)
    target = np.ones_like(source)

    def update() -> dict[str, float]:
        started = perf_counter()
        optimizer.apply(values, grads, lr=formula.lr)
        return {"update": perf_counter() - started}

    def copy() -> dict[str, float]:
        started = perf_counter()
        np.copyto(target, source)
        return {"copy": perf_counter() - started}

    seconds = alternate([update, copy], repeats, barrier=lambda: None)
    return {
        "moved_bytes": nbytes,
        "update_ms": quartiles(seconds["update"], 1e-3),
        "copy_ms": quartiles(seconds["copy"], 1e-3),
        "ratio": quartiles(seconds["update"] / seconds["copy"], digits=2) | {"limit": LIMIT},
    }
