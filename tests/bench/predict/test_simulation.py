"""The simulator in cases that can be worked out by hand: seconds and bytes a second are small whole numbers."""

from __future__ import annotations

import pytest

from ddtrain.bench.predict.simulation import (
    CONTROL_BYTES,
    Handling,
    Moment,
    Profile,
    World,
    best_bucket,
    fit_line,
    simulate,
)
from ddtrain.comm.backends.link_model import Network

# Three parameters of 8, 16 and 24 bytes, finished last first as in a model; the flat vector holds the last one first.
SPANS = [(10, 12), (6, 10), (0, 6)]
MOMENTS = [Moment(4.0, parameter=2), Moment(6.0, parameter=1), Moment(10.0, parameter=0)]
PROFILE = Profile(8, MOMENTS, backward_s=10.0, update_s=2.0, rest_s=1.0, spans=SPANS)
LINK = Network(latency_s=0.0, bytes_per_s=8.0)  # over two ranks a sum of n bytes takes n / 8
DECIDED_S = CONTROL_BYTES / 8


def test_one_rank_computes_and_nothing_else() -> None:
    handling = Handling(1.0, 1.0, 1.0)
    step = simulate(PROFILE, World(1, LINK, handling, handling), bucket_bytes=1)
    assert step.step_s == PROFILE.step_s == 13.0
    assert step.communication_s == 0


def test_small_buckets_hide_all_but_the_last() -> None:
    """24 bytes leave at 4 and take 3 s, 16 leave at 7 and take 2, 8 leave at 10 and take 1."""
    step = simulate(PROFILE, World(2, LINK), bucket_bytes=1)
    assert step.exposed_s == 1.0
    assert step.step_s == 14.0 + DECIDED_S
    assert step.link_s == 6.0


def test_one_bucket_hides_nothing() -> None:
    step = simulate(PROFILE, World(2, LINK), bucket_bytes=1000)
    assert step.exposed_s == 6.0
    assert step.step_s == 19.0 + DECIDED_S


def test_a_slow_link_is_busy_from_the_first_bucket_on() -> None:
    """1 byte a second: 48 s from the moment 4 on, of which 6 are hidden."""
    assert simulate(PROFILE, World(2, Network(0.0, 1.0)), bucket_bytes=1).exposed_s == 4 + 48 - 10


def test_latency_is_paid_once_for_buckets_that_follow_each_other() -> None:
    """Over two ranks a sum is one round: the last bucket's latency of 5 s shows, and so does the decision's."""
    step = simulate(PROFILE, World(2, Network(5.0, 8.0)), bucket_bytes=1)
    assert step.exposed_s == 1.0 + 5.0
    assert step.agreed_s == 5.0 + DECIDED_S


def test_handling_takes_time_from_computing() -> None:
    """Three buckets, half a second to begin each, and 48 bytes at 1/8 s."""
    step = simulate(PROFILE, World(2, Network(0.0, 1e12), Handling(0.5, 0.125)), bucket_bytes=1)
    assert step.handling_s == 3 * 0.5 + 48 / 8
    assert step.step_s == pytest.approx(13 + 7.5)


def test_a_collective_of_the_model_stops_the_rank_and_waits_behind_buckets() -> None:
    """8 bytes at 5 s wait for the 24 that left at 4: until 8. Everything after comes 3 s later."""
    moments = [MOMENTS[0], Moment(5.0, "sum", 8), *MOMENTS[1:]]
    profile = Profile(8, moments, 10.0, 2.0, 1.0, SPANS)
    step = simulate(profile, World(2, LINK), bucket_bytes=1)
    assert step.in_trace_s == 3.0
    assert step.exposed_s == 1.0
    assert step.step_s == 13 + 3 + 1 + DECIDED_S


def test_a_hidden_collective_is_only_waited_for_at_the_end() -> None:
    early = Profile(8, [Moment(1.0, "sum", 16, hidden=True)], 10.0, 0.0, 0.0, [])
    late = Profile(8, [Moment(9.0, "sum", 16, hidden=True)], 10.0, 0.0, 0.0, [])
    assert simulate(early, World(2, LINK), 1).exposed_s == 0
    assert simulate(late, World(2, LINK), 1).exposed_s == 1.0


def test_ranks_of_a_node_share_the_update_and_meet_twice() -> None:
    step = simulate(PROFILE, World(4, Network(0.0, float("inf")), Handling(latency_s=0.25), shared=4), 1)
    assert step.compute_s == 10 + 1 + 2 / 4
    assert step.agreed_s == 2 * 0.25


def test_the_best_bucket_trades_handling_for_overlap() -> None:
    sizes = [1, 100, 1000]
    assert best_bucket(PROFILE, World(2, LINK), sizes) == 1, "overlap is free"
    assert best_bucket(PROFILE, World(2, LINK, Handling(launch_s=10.0)), sizes) == 1000, (
        "every bucket costs ten seconds"
    )
    assert best_bucket(PROFILE, World(1, LINK), sizes) == 1000, "all alike: the largest"


@pytest.mark.parametrize(("latency_s", "s_per_byte"), [(1e-5, 1e-9), (0.0, 1e-9), (1e-5, 0.0)])
def test_a_line_is_found_again(latency_s: float, s_per_byte: float) -> None:
    sizes = [4.0, 1024.0, 65536.0, 4194304.0]
    found = fit_line(sizes, [latency_s + s_per_byte * n for n in sizes])
    assert found == pytest.approx((latency_s, s_per_byte), rel=1e-9, abs=1e-15)


def test_a_line_never_falls_below_zero() -> None:
    latency_s, s_per_byte = fit_line([1.0, 2.0, 3.0], [0.1, 2.0, 4.0])
    assert latency_s == 0.0
    assert s_per_byte > 0
    latency_s, s_per_byte = fit_line([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    assert latency_s > 0
    assert s_per_byte == 0.0
