"""How far the ranks' clocks differ, measured by allgathers alone.

Note [Clocks]
An allgather ends on no rank before it has begun on every rank. Say rank r reads its clock when it enters, a_r, and when
it leaves, b_r, and runs d_r ahead of rank 0's clock: then a_r - d_r <= b_0 and a_0 <= b_r - d_r, so that d_r lies
between a_r - b_0 and b_r - a_0. Every round bounds it from both sides, and the tightest two bounds need not be of the
same round. Their middle is the estimate, half their distance the error: a proven one, not a guess from round trips.

P ranks, n rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

import numpy as np

from ddtrain.comm.protocol import Communicator

_ROUNDS = 300  # takes about 5 ms; the tightest bounds count, and ranks that share a core need some luck to get one


class Offset(NamedTuple):
    """A rank's clock minus rank 0's, in seconds, wrong by at most ``error_s``."""

    offset_s: float
    error_s: float


def compare_clocks(
    comm: Communicator, rounds: int = _ROUNDS, clock: Callable[[], float] = perf_counter
) -> list[Offset]:
    """Every rank's clock against rank 0's, in rank order, the same on every rank (Note [Clocks]). Collective.

    Parameters
    ----------
    rounds : allgathers to make
    clock : seconds since some moment, which need not be the same on all ranks

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> compare_clocks(LocalCommunicator())[0].offset_s
    0.0
    """
    stamps_n2 = np.empty((rounds, 2))
    nothing, everyone = np.zeros(1, np.uint8), np.zeros((comm.size, 1), np.uint8)
    for stamp in stamps_n2:
        entered = clock()
        comm.allgather(nothing, everyone)
        stamp[:] = entered, clock()
    stamps_Pn2 = np.empty((comm.size, rounds, 2))
    comm.allgather(stamps_n2, stamps_Pn2)
    entered_Pn, left_Pn = stamps_Pn2[..., 0], stamps_Pn2[..., 1]
    low_P = (entered_Pn - left_Pn[0]).max(axis=1)
    high_P = (left_Pn - entered_Pn[0]).min(axis=1)
    offsets = [Offset(float(low + high) / 2, float(high - low) / 2) for low, high in zip(low_P, high_P, strict=True)]
    return [Offset(0.0, 0.0), *offsets[1:]]
