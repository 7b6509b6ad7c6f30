"""Triangles: their feet, their tops, and heights that shrink."""

import pytest

from ddtrain.optim.schedules.cyclic import cyclic


def test_feet_are_the_base_rate_and_tops_shrink_by_the_factor():
    feet = [cyclic(6 * k, half_period=3, peak=5.0, anneal=0.5) for k in range(4)]
    tops = [cyclic(6 * k + 3, half_period=3, peak=5.0, anneal=0.5) for k in range(4)]
    assert feet == [1.0] * 4
    assert tops == pytest.approx([5.0, 3.0, 2.0, 1.5], rel=1e-14)


def test_a_triangle_is_the_same_up_and_down():
    for t in range(8):
        assert cyclic(t, 4, 3.0, 1.0) == cyclic(8 - t, 4, 3.0, 1.0)


def test_a_half_period_of_one_step_goes_from_foot_to_top():
    assert [cyclic(t, 1, 3.0, 1.0) for t in range(4)] == [1.0, 3.0, 1.0, 3.0]
