"""The inverse fall: its reciprocal grows by the same amount in every step."""

import pytest

from ddtrain.optim.schedules.inverse import inverse


def test_the_reciprocal_is_a_straight_line():
    assert [1 / inverse(t, every=4, factor=0.5) for t in range(9)] == pytest.approx([1 + t / 8 for t in range(9)])


def test_the_sum_of_rates_has_no_bound_and_that_of_their_squares_has_one():
    """Robbins and Monro's conditions, as far as numbers show them."""
    tail = [inverse(t, every=1, factor=1.0) for t in range(1000, 100_000)]
    assert sum(tail) > 4.5  # log(100), and any number if one goes on
    assert sum(rate**2 for rate in tail) < 1e-3
