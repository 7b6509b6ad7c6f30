"""Every schedule: its warm-up, its floor, its shape; the plateau's memory."""

import itertools
import math

import pytest

from ddtrain.errors import UsageError
from ddtrain.optim import schedules
from ddtrain.optim.schedules import Schedule

TOTAL = 100
NAMES = sorted(Schedule.parts)
PURE = sorted({*NAMES} - {"plateau"})
RISING = {"cyclic", "one_cycle", "cosine_restarts"}  # also after the warm-up
FALLING = sorted({*NAMES} - RISING)


def make(name: str, base_lr: float = 0.4, **options: float) -> schedules.LearningRate:
    """The schedule of that name, with those of the options that it has."""
    own = Schedule.named(name).options()
    return schedules.make(Schedule(name=name, **{k: v for k, v in options.items() if k in own}), base_lr, TOTAL)


@pytest.mark.parametrize("name", NAMES)
def test_warm_up_rises_linearly_to_the_base_rate_and_the_decay_starts_there(name):
    warm, cold = make(name, warmup_steps=8, decay_every=10), make(name, decay_every=10)
    assert [warm.lr(t) for t in range(8)] == pytest.approx([0.05 * (t + 1) for t in range(8)], rel=1e-15)
    assert warm.lr(8) == cold.lr(0) == pytest.approx(0.4 * (0.04 if name == "one_cycle" else 1.0), rel=1e-15)


@pytest.mark.parametrize("name", FALLING)
def test_rates_never_rise_after_the_warm_up_nor_fall_below_the_floor(name):
    schedule = make(name, warmup_steps=5, decay_every=3, min_lr=0.01)
    rates = [schedule.lr(t) for t in range(5, 2 * TOTAL)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates))
    assert min(rates) >= 0.01


@pytest.mark.parametrize("name", PURE)
def test_a_schedule_is_a_function_of_the_step_alone(name):
    asked_in_order, asked_at_random = make(name), make(name)
    asked_in_order.observe(1.0)
    forwards = [asked_in_order.lr(t) for t in range(TOTAL)]
    assert forwards[::-1] == [asked_at_random.lr(t) for t in reversed(range(TOTAL))]
    assert asked_in_order.state == {}


@pytest.mark.parametrize(
    ("name", "at_40"),
    [
        ("constant", 1.0),
        ("step", 0.5**2),  # 40 // 16
        ("exponential", 0.5**2.5),  # 40 / 16
        ("inverse", 1 / (1 + 0.5 * 2.5)),
        ("cosine", 0.5 * (1 + math.cos(math.pi * 0.4))),
    ],
)
def test_formulas(name, at_40):
    assert make(name, decay_every=16, factor=0.5).lr(40) == pytest.approx(0.4 * at_40, rel=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_up_longer_than_the_run_and_a_rate_of_zero_do_no_harm(name):
    long, still = make(name, warmup_steps=3 * TOTAL), make(name, base_lr=0.0)
    assert long.lr(TOTAL) == pytest.approx(0.4 * (TOTAL + 1) / (3 * TOTAL))
    assert 0.0 <= long.lr(3 * TOTAL) <= 4.0
    assert still.lr(0) == still.lr(TOTAL) == 0.0


def test_no_rate_is_below_the_floor_but_those_of_the_warm_up():
    schedule = make("exponential", warmup_steps=4, min_lr=0.25, decay_every=1, factor=0.5)
    assert [schedule.lr(step) / 0.4 for step in range(7)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.625, 0.625])


def test_unknown_name_is_a_usage_error_with_the_nearest():
    with pytest.raises(UsageError, match=r"--schedule.name 'cosin' is not known\n  Did you mean cosine\?"):
        Schedule(name="cosin")


@pytest.mark.parametrize(
    ("name", "options", "rates"),
    [
        ("cosine", {"min_lr": 0.1}, [1.0, 0.97798, 0.91406, 0.8145, 0.68906, 0.55, 0.41094, 0.2855, 0.18594, 0.12202]),
        ("step", {"decay_every": 3, "factor": 0.5}, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]),
        (
            "exponential",
            {"decay_every": 3, "factor": 0.5},
            [1.0, 0.7937, 0.62996, 0.5, 0.39685, 0.31498, 0.25, 0.19843, 0.15749, 0.125],
        ),
        ("polynomial", {"power": 2.0}, [1.0, 0.81, 0.64, 0.49, 0.36, 0.25, 0.16, 0.09, 0.04, 0.01]),
        (
            "cosine_restarts",
            {"period": 2, "lengthen": 2, "min_lr": 0.1},
            [1.0, 0.55, 1.0, 0.8682, 0.55, 0.2318, 1.0, 0.96575, 0.8682, 0.72221],
        ),
        ("multi_step", {"milestones": (2, 5), "factor": 0.5}, [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25]),
        (
            "cyclic",
            {"half_period": 2, "peak": 3.0, "anneal": 0.5},
            [1.0, 2.0, 3.0, 2.0, 1.0, 1.5, 2.0, 1.5, 1.0, 1.25],
        ),
        (
            "one_cycle",
            {"start": 0.1, "end": 0.001, "rise": 0.3},
            [0.1, 0.55, 1.0, 0.95053, 0.81193, 0.61165, 0.38935, 0.18907, 0.05047, 0.001],
        ),
    ],
)
def test_the_rates_of_ten_steps_are_pytorchs(name, options, rates):
    """CosineAnnealingLR(T_max=10, eta_min=0.1), StepLR(3, 0.5), ExponentialLR(0.5 ** (1 / 3)), PolynomialLR(10, 2),
    CosineAnnealingWarmRestarts(2, 2, 0.1), MultiStepLR([2, 5], 0.5), CyclicLR(1, 3, 2, mode="triangular2") and
    OneCycleLR(1, 10, 0.3, div_factor=10, final_div_factor=100), printed by 2.13."""
    schedule = schedules.make(Schedule(name=name, **options), 1.0, 10)
    assert [schedule.lr(t) for t in range(10)] == pytest.approx(rates, abs=5e-6)  # they were printed to five places
