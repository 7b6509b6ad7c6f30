"""The schedule that stands where none is named: the base rate after the warm-up, however long the run."""

from ddtrain.optim import schedules
from ddtrain.optim.schedules import Schedule


def test_where_none_is_named_the_rate_is_the_base_rate():
    assert Schedule() == Schedule(name="constant")
    schedule = schedules.make(Schedule(warmup_steps=2), 0.3, 10)
    assert [schedule.lr(t) for t in (0, 1, 2, 9, 10_000)] == [0.15, 0.3, 0.3, 0.3, 0.3]
