"""Averages against their definitions: which updates enter, with which weight, and what the vector then holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.errors import UsageError
from ddtrain.optim import Lars, Optim, Sam, Sgd
from ddtrain.optim.averages import Average, Ema, NoAverage, Swa, WeightAverage

STEPS, N = 12, 5


def trajectory(average: Average, dtype: Any = np.float64, formula: Optim | None = None) -> tuple[Any, list[Any]]:
    """The optimizer, and the values after each of some updates."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=N).astype(dtype)
    optimizer, found = optim.make(formula or Sgd(), N, dtype, average=average), []
    for _ in range(STEPS):
        optimizer.apply(values, rng.normal(size=N).astype(dtype), lr=0.1)
        found.append(values.copy())
    return optimizer, found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ema_is_the_recursion_from_the_first_values(dtype: Any) -> None:
    optimizer, values = trajectory(Ema(decay=0.7), dtype)
    expected = values[0].astype(np.float64)
    for x in values[1:]:
        expected = 0.7 * expected + 0.3 * x
    found = optimizer.state["average"]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=10 * np.finfo(dtype).eps)


def test_ema_without_decay_is_the_weights_themselves() -> None:
    optimizer, values = trajectory(Ema(decay=0.0), np.float32)
    assert optimizer.state["average"].tobytes() == values[-1].tobytes()


def test_the_warm_up_of_the_decay() -> None:
    warm = Ema(decay=0.5, warmup=True)
    assert [warm.keep(count) for count in (1, 2, 3, 8, 9, 100)] == [0.0, 3 / 12, 4 / 13, 0.5, 0.5, 0.5]
    assert Ema(decay=0.1, warmup=True).keep(2) == 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("start", "every", "entered"),
    [
        (1.0, 1, range(12)),
        (0.0, 1, range(12)),
        (0.5, 1, range(6, 12)),
        (0.75, 2, [9, 11]),
        (3.0, 4, [2, 6, 10]),
        (12.0, 5, [11]),
        (0.99, 1, [11]),
    ],
)
def test_swa_is_the_mean_of_what_entered(start: float, every: int, entered: Any, dtype: Any) -> None:
    average = Swa(start=start, every=every).laid_over(STEPS)
    optimizer, values = trajectory(average, dtype)
    expected = np.mean([values[k].astype(np.float64) for k in entered], axis=0)
    np.testing.assert_allclose(optimizer.state["average"], expected, rtol=10 * np.finfo(dtype).eps, atol=1e-7)
    begun = [count for count in range(STEPS + 1) if average.begun(count)]
    assert begun == list(range(entered[0] + 1, STEPS + 1))


@pytest.mark.parametrize("start", [1.0, 18.0])
@pytest.mark.parametrize("every", [1, 2, 100])
@pytest.mark.parametrize("steps", [17, 18, 19, 23])
def test_a_mean_of_one_point_is_pointed_out(start: float, every: int, steps: int) -> None:
    average = Swa(start=start, every=every)
    entered = [count for count in range(1, steps + 1) if average.keep(count) is not None]
    assert bool(average.misfit(steps)) == (len(entered) == 1)
    assert not Ema().misfit(steps)


def test_a_start_after_the_end_is_refused() -> None:
    message = (
        r"--average.start 13 is after the 12 steps of the run, so that no weights enter\n  Give an earlier one, or"
    )
    with pytest.raises(UsageError, match=message):
        Swa(start=13.0).laid_over(STEPS)


@pytest.mark.parametrize("formula", [Sgd(), Lars(), Sam()], ids=lambda formula: formula.name)
def test_values_and_state_are_those_of_a_run_without_average(formula: Optim) -> None:
    with_it, values = trajectory(Ema(), formula=formula)
    without, plain = trajectory(NoAverage(), formula=formula)
    assert np.array(values).tobytes() == np.array(plain).tobytes()
    assert with_it.formula == without.formula
    assert "average" not in without.state
    for name, vector in without.state.items():
        assert with_it.state[name].tobytes() == vector.tobytes()


def test_the_count_is_the_inner_optimizers() -> None:
    optimizer, _ = trajectory(Ema(decay=0.0))
    assert optimizer.count == STEPS
    optimizer.count = 3
    optimizer.apply(np.zeros(N), np.zeros(N), lr=0.1)
    assert optimizer.count == 4


def test_only_the_spans_of_this_rank_are_averaged() -> None:
    optimizer, values = optim.make(Sgd(), 3, np.float64, average=Ema(decay=0.0)), np.array([1.0, 2.0, 3.0])
    optimizer.apply(values, np.zeros(3), lr=0.1, spans=[slice(0, 1), slice(2, 3)])
    np.testing.assert_array_equal(optimizer.state["average"], [1.0, 0.0, 3.0])


def test_nothing_has_begun_before_the_first_update() -> None:
    averages: list[WeightAverage] = [Ema(), Swa(start=1.0)]
    assert [average.begun(0) for average in averages] == [False, False]
    assert [average.begun(1) for average in averages] == [True, True]


def test_options_of_another_average_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--average.decay is no option of swa\n  It belongs to ema\."):
        Average(name="swa", decay=0.9)
    with pytest.raises(UsageError, match=r"--average.evaluate is no option of none\n  It belongs to ema, swa\."):
        Average(evaluate=True)
    with pytest.raises(UsageError, match=r"--average.name 'sma' is not known\n  Did you mean swa\?"):
        Average(name="sma")
