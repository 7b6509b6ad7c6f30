"""A rate at work: where the warm-up ends and the decay begins, the floor, and what a checkpoint holds of it."""

import pytest

from ddtrain.optim.schedules.learning_rate import LearningRate
from ddtrain.optim.schedules.plateau import Plateau


def test_the_decay_sees_steps_since_the_warm_up():
    asked = []
    rate = LearningRate(2.0, lambda t: asked.append(t) or 0.5, warmup_steps=3)
    assert [rate.lr(t) for t in (0, 1, 2, 3, 10)] == pytest.approx([2 / 3, 4 / 3, 2.0, 1.0, 1.0])
    assert asked == [0, 7]


def test_the_floor_holds_the_decay_and_not_the_warm_up():
    rate = LearningRate(1.0, lambda t: 0.0, warmup_steps=4, min_lr=0.5)
    assert [rate.lr(t) for t in range(6)] == [0.25, 0.5, 0.75, 1.0, 0.5, 0.5]


def test_an_evaluation_reaches_a_decay_that_listens():
    rate = LearningRate(1.0, Plateau(factor=0.5, patience=0))
    rate.observe(1.0)
    rate.observe(1.0)
    assert rate.lr(0) == 0.5
    assert rate.state == {"multiplier": 0.5, "best": 1.0, "bad": 0}


def test_a_decay_that_does_not_listen_keeps_nothing():
    rate = LearningRate(1.0, lambda t: 1.0)
    rate.observe(1.0)
    assert rate.state == {}
    rate.load({"multiplier": 0.1})
    assert rate.lr(0) == 1.0


def test_the_state_of_a_schedule_without_memory_leaves_a_plateau_as_it_is():
    """A run that was saved with another schedule and goes on with a plateau."""
    rate = LearningRate(1.0, Plateau(factor=0.5, patience=0))
    rate.load({})
    assert rate.state == {"multiplier": 1.0, "best": None, "bad": 0}


def test_what_is_loaded_is_a_copy():
    saved = {"multiplier": 0.5, "best": 1.0, "bad": 0}
    rate = LearningRate(1.0, Plateau(factor=0.5, patience=0))
    rate.load(saved)
    rate.observe(2.0)
    assert saved == {"multiplier": 0.5, "best": 1.0, "bad": 0}
    assert rate.lr(0) == 0.25
