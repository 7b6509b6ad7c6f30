"""Waiting is cheap, on a clock that the test turns itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ddtrain.comm.backends import polling
from ddtrain.comm.backends.mpi.pending_works import POLL_INTERVAL_S

LOOK_S = 20e-6  # what a look costs: more than it does
WAKE_S = 60e-6  # by which the kernel wakes a sleeper late


@pytest.mark.parametrize("longest_s", [polling.LONGEST_SLEEP_S, POLL_INTERVAL_S])
def test_a_straggler_of_two_seconds_costs_at_most_a_tenth_of_a_core(
    longest_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = busy = 0.0

    def look() -> None:
        nonlocal now, busy
        now, busy = now + LOOK_S, busy + LOOK_S

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds + WAKE_S

    monkeypatch.setattr(polling, "time", SimpleNamespace(perf_counter=lambda: now, sleep=sleep))
    assert polling.wait_until(lambda: now > 2.0, look, longest_s) == now
    assert now < 2.0 + polling.LONGEST_SLEEP_S + WAKE_S + LOOK_S, "it is noticed at once"
    assert busy < 0.1 * now
