"""How time and memory grow with the length of a trace: chains of a thousand nodes to a million.

Time is taken with Python's garbage collector running, as in any program. Memory is counted by ``tracemalloc`` in a
second pass: exact, and it does not depend on when the allocator hands pages back.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Mapping
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain.autodiff import record, walk_back
from ddtrain.bench import text_tables
from ddtrain.bench.timing import quartiles

BACKWARD_LIMIT = 2.5  # largest allowed ratio of backward to forward time
FEWEST = 1000  # nodes in the shortest chain worth measuring
_REPEATS = 3

Step = Callable[[Any, Any], Any]

STEPS: Mapping[str, Step] = {
    "x * 1.0000001": lambda x, y: x * 1.0000001,  # one path back: one rule a step
    "x * y": lambda x, y: x * y,  # two paths back: two rules and an addition a step
}


def measure(most: int) -> list[dict[str, Any]]:
    """Figures of chains of ``most`` nodes, a tenth, a hundredth and a thousandth of it (but :data:`FEWEST`)."""
    lengths = sorted({max(most // tenth, FEWEST) for tenth in (1000, 100, 10, 1)})
    rows = []
    for name, step in STEPS.items():
        for nodes in lengths:
            rows.append({"step": name, "nodes": nodes, **_times(step, nodes), **_memory(step, nodes)})
            text_tables.progress(f"{name}, {nodes} nodes: {rows[-1]['forward_us']['median']} µs a node")
    return rows


def _chain(step: Step, nodes: int) -> Callable[[Any, Any], Any]:
    def chain(x: Any, y: Any) -> Any:
        for _ in range(nodes):
            x = step(x, y)
        return x

    return chain


_LEAVES = [np.array(1.0), np.array(1.0)]


def _times(step: Step, nodes: int) -> dict[str, Any]:
    """Microseconds a node: recording, walking back over the whole tape, letting go of it."""
    seconds: list[list[float]] = []
    for _ in range(_REPEATS):
        clock = [perf_counter()]
        out, tape, end = record(_chain(step, nodes), _LEAVES)
        clock.append(perf_counter())
        walk_back(tape, end, np.ones(()))
        clock.append(perf_counter())
        del out, tape
        clock.append(perf_counter())
        seconds.append([b - a for a, b in pairwise(clock)])
    forward, backward, free = np.array(seconds).T
    return {
        "forward_us": quartiles(forward / nodes, 1e-6, digits=3),
        "backward_us": quartiles(backward / nodes, 1e-6, digits=3),
        "free_us": quartiles(free / nodes, 1e-6, digits=3),
        "backward_ratio": {"median": quartiles(backward / forward)["median"], "limit": BACKWARD_LIMIT},
    }


def _memory(step: Step, nodes: int) -> dict[str, float]:
    """Bytes a node while the tape is held, at most during both passes, and after it is let go of.

    The collector stays off until the tape is gone, which is freed without it. Then it empties the lists of free tuples
    that Python keeps.
    """
    collecting = gc.isenabled()
    gc.disable()
    tracemalloc.start()
    try:
        out, tape, end = record(_chain(step, nodes), _LEAVES)
        held = tracemalloc.get_traced_memory()[0]
        walk_back(tape, end, np.ones(()))
        peak = tracemalloc.get_traced_memory()[1]
        del out, tape
        gc.collect()
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        if collecting:
            gc.enable()
    return {"held_bytes": round(held / nodes, 1), "peak_bytes": round(peak / nodes, 1), "left_bytes": left}
