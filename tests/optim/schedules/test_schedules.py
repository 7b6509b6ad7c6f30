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
RISING = {"cyclic", "one_cycle", "cosine_restarts", "linear", "sequential", "chained"}  # also after the warm-up
FIRST = {"one_cycle": 0.04, "linear": 1 / 3, "sequential": 0.1, "chained": 0.1}  # of the base rate; 1 of the others
FALLING = sorted({*NAMES} - RISING)


def make(name: str, base_lr: float = 0.4, **options: float) -> schedules.LearningRate:
    """The schedule of that name, with those of the options that it has."""
    own = Schedule.named(name).options()
    return schedules.make(Schedule(name=name, **{k: v for k, v in options.items() if k in own}), base_lr, TOTAL)


@pytest.mark.parametrize("name", NAMES)
def test_warm_up_rises_linearly_to_the_base_rate_and_the_decay_starts_there(name):
    warm, cold = make(name, warmup_steps=8, decay_every=10), make(name, decay_every=10)
    assert [warm.lr(t) for t in range(8)] == pytest.approx([0.05 * (t + 1) for t in range(8)], rel=1e-15)
    assert warm.lr(8) == cold.lr(0) == pytest.approx(0.4 * FIRST.get(name, 1.0), rel=1e-15)


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
def test_a_warm_up_of_the_whole_run_and_a_rate_of_zero_do_no_harm(name):
    long, still = make(name, warmup_steps=TOTAL), make(name, base_lr=0.0)
    assert long.lr(TOTAL - 1) == 0.4
    assert 0.0 <= long.lr(TOTAL) <= 0.4
    assert still.lr(0) == still.lr(TOTAL) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_up_longer_than_the_run_is_refused(name):
    with pytest.raises(
        UsageError, match=r"--schedule.warmup-steps 101 is more than the 100 steps of the run\n  Give f"
    ):
        make(name, warmup_steps=TOTAL + 1)


def test_no_rate_is_below_the_floor_but_those_of_the_warm_up():
    schedule = make("exponential", warmup_steps=4, min_lr=0.25, decay_every=1, factor=0.5)
    assert [schedule.lr(step) / 0.4 for step in range(7)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.625, 0.625])


def test_unknown_name_is_a_usage_error_with_the_nearest():
    with pytest.raises(UsageError, match=r"--schedule.name 'cosin' is not known\n  Did you mean cosine\?"):
        Schedule(name="cosin")


# fmt: off
PYTORCHS = {  # the rates of twenty steps, as PyTorch 2.13 has them in float64, to twelve places
    "cosine": (
        {"min_lr": 0.1},
        [1.0, 0.994459753268, 0.977975432333, 0.950952935885, 0.914057647469, 0.868198051534, 0.814503363532,
         0.754295724883, 0.689057647469, 0.620395509268, 0.55, 0.479604490732, 0.410942352531, 0.345704275117,
         0.285496636468, 0.231801948466, 0.185942352531, 0.149047064115, 0.122024567667, 0.105540246732],
    ),
    "step": (
        {"decay_every": 3, "factor": 0.5},
        [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.0625, 0.0625, 0.03125,
         0.03125, 0.03125, 0.015625, 0.015625],
    ),
    "exponential": (
        {"decay_every": 3, "factor": 0.5},
        [1.0, 0.793700525984, 0.629960524947, 0.5, 0.396850262992, 0.314980262474, 0.25, 0.198425131496,
         0.157490131237, 0.125, 0.099212565748, 0.078745065618, 0.0625, 0.049606282874, 0.039372532809, 0.03125,
         0.024803141437, 0.019686266405, 0.015625, 0.012401570719],
    ),
    "polynomial": (
        {"power": 2.0},
        [1.0, 0.9025, 0.81, 0.7225, 0.64, 0.5625, 0.49, 0.4225, 0.36, 0.3025, 0.25, 0.2025, 0.16, 0.1225, 0.09,
         0.0625, 0.04, 0.0225, 0.01, 0.0025],
    ),
    "cosine_restarts": (
        {"period": 3, "lengthen": 2, "min_lr": 0.1},
        [1.0, 0.775, 0.325, 1.0, 0.939711431703, 0.775, 0.55, 0.325, 0.160288568297, 1.0, 0.98466662183,
         0.939711431703, 0.868198051534, 0.775, 0.666468570296, 0.55, 0.433531429704, 0.325, 0.231801948466,
         0.160288568297],
    ),
    "multi_step": (
        {"milestones": (2, 5, 11), "factor": 0.5},
        [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125,
         0.125, 0.125],
    ),
    "cyclic": (
        {"half_period": 2, "peak": 3.0, "anneal": 0.5},
        [1.0, 2.0, 3.0, 2.0, 1.0, 1.5, 2.0, 1.5, 1.0, 1.25, 1.5, 1.25, 1.0, 1.125, 1.25, 1.125, 1.0, 1.0625, 1.125,
         1.0625],
    ),
    "one_cycle": (
        {"start": 0.1, "end": 0.001, "rise": 0.3},
        [0.1, 0.185942352531, 0.410942352531, 0.689057647469, 0.914057647469, 1.0, 0.987476492135, 0.950533949517,
         0.891024825493, 0.811933156028, 0.717224927689, 0.611649206511, 0.5005, 0.389350793489, 0.283775072311,
         0.189066843972, 0.109975174507, 0.050466050483, 0.013523507865, 0.001],
    ),
    "linear": (
        {"start": 0.2, "end": 0.9, "length": 7},
        [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9],
    ),
    "sequential": (
        {"schedules": ("linear(start=0.1)", "exponential(decay_every=1, factor=0.9)", "step(decay_every=3)"),
         "milestones": (4, 11)},
        [0.1, 0.325, 0.55, 0.775, 1.0, 0.9, 0.81, 0.729, 0.6561, 0.59049, 0.531441, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5,
         0.25, 0.25, 0.25],
    ),
    "chained": (
        {"schedules": ("linear(start=0.2, length=5)", "exponential(decay_every=1, factor=0.9)",
         "multi_step(milestones=(8,))")},
        [0.2, 0.324, 0.4212, 0.49572, 0.551124, 0.59049, 0.531441, 0.4782969, 0.043046721, 0.0387420489,
         0.03486784401, 0.031381059609, 0.028242953648, 0.025418658283, 0.022876792455, 0.020589113209,
         0.018530201889, 0.0166771817, 0.01500946353, 0.013508517177],
    ),
}
# fmt: on


@pytest.mark.parametrize("name", PYTORCHS)
def test_the_rates_of_twenty_steps_are_pytorchs(name):
    """CosineAnnealingLR(T_max=20, eta_min=0.1), StepLR(3, 0.5), ExponentialLR(0.5 ** (1 / 3)), PolynomialLR(20, 2),
    CosineAnnealingWarmRestarts(3, 2, 0.1), MultiStepLR([2, 5, 11], 0.5), CyclicLR(1, 3, 2, mode="triangular2"),
    OneCycleLR(1, 20, 0.3, div_factor=10, final_div_factor=100), LinearLR(0.2, 0.9, 7), SequentialLR of
    LinearLR(0.1, 4), ExponentialLR(0.9) and StepLR(3, 0.5) at [4, 11], ChainedScheduler of LinearLR(0.2, 5),
    ExponentialLR(0.9) and MultiStepLR([8], 0.1)."""
    options, rates = PYTORCHS[name]
    schedule = schedules.make(Schedule(name=name, **options), 1.0, 20)
    assert [schedule.lr(t) for t in range(20)] == pytest.approx(rates, abs=1e-10)


def test_a_plateaus_rates_are_pytorchs():
    """ReduceLROnPlateau(factor=0.5, patience=1, threshold=0), printed by 2.13."""
    schedule, rates = make("plateau", base_lr=1.0, factor=0.5, patience=1), []
    for loss in (3, 2, 2, 2.5, 2.1, 1, 1.5, 1.5, 1.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.85, 0.81, 0.8, 0.79, 0.8):
        schedule.observe(loss)
        rates.append(schedule.lr(0))
    assert rates == [0.5 ** int(falls) for falls in "00011112222334445555"]
