"""Clocks of ranks: a known offset is found within the error that is claimed."""

from __future__ import annotations

from time import perf_counter

import pytest

from ddtrain.comm import Communicator
from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.comm.clock_offsets import compare_clocks
from worlds import World

AHEAD_S = 3.25  # of the clock of each next rank: far more than any message takes


def compared(comm: Communicator) -> None:
    found = compare_clocks(comm, clock=lambda: perf_counter() + AHEAD_S * comm.rank)
    everyone = comm.exchange_objects([list(offset) for offset in found])
    assert everyone == [everyone[0]] * comm.size
    assert found[0] == (0.0, 0.0)
    for rank, offset in enumerate(found):
        assert abs(offset.offset_s - AHEAD_S * rank) <= offset.error_s + 1e-9  # the clocks here are one: Linux's
        assert offset.error_s < AHEAD_S / 2, "an error this large says nothing"


def test_a_known_offset_is_found(world: World) -> None:
    world.run(compared)


@pytest.mark.mpi(min_size=2)
def test_a_known_offset_is_found_under_mpi(comm: Communicator) -> None:
    compared(comm)


def test_ranks_that_are_not_there_have_rank_0s_clock() -> None:
    assert [offset.offset_s for offset in compare_clocks(NullCommunicator(3))] == [0.0, 0.0, 0.0]
