"""Who uses which of a node's counters (``Node.post``): two users of one counter would disturb each other.

The last counter of all, ``COUNTERS - 1``, belongs to the modes in ``trainer/modes/``.
"""

from __future__ import annotations

from typing import NamedTuple


class ReducerCounters(NamedTuple):
    """The counters of one reducer."""

    ready: int  # buckets completed on a rank, since the run began
    norm: int  # norms of which a rank has written its part
    updated: int  # steps of which a rank has updated its share of the parameters


REDUCERS = (ReducerCounters(0, 1, 2), ReducerCounters(3, 4, 5))  # two steps at most are under way at once
TOTALS, MODEL, CONTROL = 6, 7, 8  # a step's totals; collectives inside the model; rank 0's decisions
LAYER_NORMS = 9  # norms of parameters, for optimizers that scale layers by them
WATCHED_NORMS = 10  # the same, for callbacks
