"""Delays on a clock that the test turns itself: when works are over, and that the numbers are the inner backend's."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.comm import make, run_ranks
from ddtrain.comm.backends.link_model import Network
from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.comm.backends.wire import Link, WireCommunicator
from ddtrain.comm.reduction_tree import ReductionTree

SLOW = Network(latency_s=1.0, bytes_per_s=100.0)


class Clock:
    """Stands still but for sleeps, each of which takes at least a microsecond."""

    def __init__(self) -> None:
        self.now, self.sleeps = 0.0, 0

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-6)
        self.sleeps += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def comm(clock: Clock) -> WireCommunicator:
    """Rank 0 of two, on a link of 100 bytes and one second of latency."""
    return WireCommunicator(NullCommunicator(2), Link(SLOW, lambda: clock.now, clock.sleep))


def about(seconds: float) -> object:
    return pytest.approx(seconds, abs=1e-5)  # the last sleeps are of a microsecond


def test_a_work_is_done_when_its_time_has_come(comm: WireCommunicator, clock: Clock) -> None:
    work = comm.iallreduce(np.zeros(200, np.uint8))
    clock.now = 2.999
    assert not work.test()
    clock.now = 3.0
    assert work.test()


def test_bytes_queue_up_and_latencies_do_not(comm: WireCommunicator, clock: Clock) -> None:
    works = [comm.iallreduce(np.zeros(200, np.uint8)), comm.duplicate().iallreduce(np.zeros(100, np.uint8))]
    works[1].wait()
    assert clock.now == about(2 + 1 + 1)
    works[0].wait()
    assert clock.now == about(4), "the first was over before"


def test_an_idle_link_starts_at_once(comm: WireCommunicator, clock: Clock) -> None:
    comm.barrier()
    clock.now = 10.0
    comm.allreduce(np.zeros(100, np.uint8))
    assert clock.now == about(10 + 1 + 1)


def test_computation_hides_what_it_covers(comm: WireCommunicator, clock: Clock) -> None:
    work = comm.iallreduce(np.zeros(200, np.uint8))
    clock.now += 2.5
    work.wait()
    assert clock.now == about(3)
    assert comm.waited_s == about(0.5)


def test_every_collective_takes_its_time(comm: WireCommunicator, clock: Clock) -> None:
    row = np.zeros(100, np.uint8)
    calls = {
        "allreduce": lambda: comm.allreduce(row),
        "isum": lambda: comm.isum([row], ReductionTree.of_shards(5, 2), row).wait(),  # rank 1 has two rows
        "reduce_scatter": lambda: comm.reduce_scatter(row, np.zeros(50, np.uint8)),
        "allgather": lambda: comm.allgather(row, np.zeros((2, 100), np.uint8)),
        "iallgather": lambda: comm.iallgather(row, np.zeros((2, 100), np.uint8)).wait(),
        "ialltoall": lambda: comm.ialltoall(row.reshape(2, 50), np.zeros((2, 50), np.uint8)).wait(),
        "broadcast": lambda: comm.broadcast(row),
        "barrier": comm.barrier,
        "exchange_objects": lambda: comm.exchange_objects(1),  # 8 bytes of length, then one of JSON
    }
    took = {}
    for name, call in calls.items():
        began = clock.now
        call()
        took[name] = clock.now - began
    wanted = {"allreduce": 2, "isum": 2.5, "reduce_scatter": 1.5, "allgather": 2, "broadcast": 2, "barrier": 1}
    wanted |= {"iallgather": 2, "ialltoall": 1.5}
    assert took == {name: about(seconds) for name, seconds in (wanted | {"exchange_objects": 2.09}).items()}
    assert comm.waited_s == about(clock.now)


def test_waiting_sleeps_and_drives_the_inner_works(
    comm: WireCommunicator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    driven: list[float] = []
    monkeypatch.setattr(comm._inner, "progress", lambda: driven.append(clock.now), raising=False)
    comm.barrier()
    assert clock.sleeps < 1300, "a second of milliseconds, and at most a tenth of one in little steps"
    assert max(np.diff(driven)) < 2e-3


def test_the_numbers_are_those_of_the_inner_backend() -> None:
    found: dict[str, list[bytes]] = {"threads:3": [], "wire:threads:3,latency-us=5,gbit-s=100": []}
    for spec, bits in found.items():

        def main(comm: object, bits: list[bytes] = bits) -> None:
            buf = np.random.default_rng(comm.rank).standard_normal(3000)
            comm.allreduce(buf)
            bits.append(buf.tobytes())

        assert run_ranks(spec, main) == 0
    plain, wired = found.values()
    assert plain == wired
    assert len(set(plain)) == 1


def test_ranks_of_one_process_have_links_of_their_own() -> None:
    first, second = make("wire:threads:2,latency-us=5,gbit-s=1")
    assert first.link is not second.link
