"""The cosine: where it ends, and where it begins anew."""

import itertools

import pytest

from ddtrain.optim import schedules
from ddtrain.optim.schedules import Schedule
from ddtrain.optim.schedules.cosine import cosine, cosine_restarts

TOTAL = 100


def test_cosine_arrives_at_the_floor_after_the_last_step_and_stays():
    schedule = schedules.make(Schedule(name="cosine", warmup_steps=10, min_lr=0.1), 0.4, TOTAL)
    assert schedule.lr(TOTAL - 1) > 0.1
    assert schedule.lr(TOTAL) == schedule.lr(2 * TOTAL) == pytest.approx(0.1, rel=1e-15)


def test_the_fall_is_the_same_before_and_after_its_middle():
    for t in range(11):
        assert cosine(t, 10, floor=0.2) + cosine(10 - t, 10, floor=0.2) == pytest.approx(1.2, rel=1e-15)


@pytest.mark.parametrize("total", [0, -3])
def test_a_run_that_ends_within_its_warm_up_is_at_the_floor(total):
    assert cosine(0, total, floor=0.2) == pytest.approx(0.2, rel=1e-15)


@pytest.mark.parametrize(("lengthen", "starts"), [(1, [0, 4, 8, 12]), (2, [0, 4, 12, 28]), (3, [0, 4, 16, 52])])
def test_restarts_begin_at_the_top_and_are_a_cosine_each(lengthen, starts):
    for k, (start, end) in enumerate(itertools.pairwise(starts)):
        assert end - start == 4 * lengthen**k
        for t in range(start, end):
            assert cosine_restarts(t, 4, lengthen, 0.1) == cosine(t - start, end - start, 0.1)
