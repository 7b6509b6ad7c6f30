"""One cycle: its ends and its top, and what becomes of it in runs of hardly any steps."""

import pytest

from ddtrain.optim.schedules.one_cycle import one_cycle


def test_first_top_and_last_step():
    rate = lambda t: one_cycle(t, total=20, start=0.1, end=0.01, rise=0.25)
    rates = [rate(t) for t in range(20)]
    assert rates[0] == pytest.approx(0.1, rel=1e-15)
    assert rates[4] == max(rates) == pytest.approx(1.0, rel=1e-15)
    assert rates[:5] == sorted(rates[:5])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == rate(100) == pytest.approx(0.01, rel=1e-12)


@pytest.mark.parametrize("total", [1, 2, 3, 4])
@pytest.mark.parametrize("rise", [0.1, 0.5, 0.9])
def test_runs_of_hardly_any_steps_stay_in_range_and_end_at_the_end(total, rise):
    rates = [one_cycle(t, total, start=0.1, end=0.01, rise=rise) for t in range(total)]
    assert all(0.01 - 1e-15 <= rate <= 1.0 for rate in rates)
    assert rates[-1] == pytest.approx(0.01, rel=1e-12)
