"""The test of learning rates: its rates, its end, what it recommends, and that ranks change no bit of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import fit, nn
from ddtrain.errors import NonFiniteError, UsageError
from ddtrain.trainer.config.step_ranges import rates_of
from ddtrain.trainer.task import Task
from ddtrain.trainer.tries.lr_range import LrRangeTest
from helpers import make_task, sgd_config

CURVATURE = 4.0


def quadratic(model: nn.Module, x: Any) -> Any:
    """On which gradient descent diverges from the rate 2 / CURVATURE on."""
    return 0.5 * CURVATURE * (model(x)[:, 0] - 3.0) ** 2 + 0.1


def try_rates(directory: Path, rates: str = "1e-4:100", backend: str = "local", **run: Any) -> Any:
    task = Task(nn.Linear(1, 1, bias=False), quadratic, (np.ones((20, 1)),))
    config = sgd_config(batch_size=5).updated(
        {"run": {"epochs": 40, "lr_range_test": rates, **run}, "optim": {"momentum": 0.0, "weight_decay": 0.0}}
    )
    return fit(task, config=config.updated({"clip": {"norm": 0.0}}), quiet=True, dir=directory, backend=backend)


def found(directory: Path) -> Any:
    return json.loads((directory / "lr_range.json").read_text())


def test_the_rate_rises_until_the_loss_explodes(tmp_path: Path) -> None:
    run, table = try_rates(tmp_path), found(tmp_path)
    assert run.state == "completed"
    assert run.history["lr"] == pytest.approx(table["lr"])
    ratios = np.array(table["lr"][1:]) / table["lr"][:-1]
    assert ratios == pytest.approx((100 / 1e-4) ** (1 / 159))  # 160 steps, were there no end before
    assert table["exploded"]
    assert len(table["lr"]) < 160
    assert table["lr"][-1] > 2 / CURVATURE, "below that, no quadratic explodes"


def test_what_is_recommended_trains(tmp_path: Path) -> None:
    try_rates(tmp_path)
    rate = found(tmp_path)["recommended"]
    assert 1e-3 < rate < 2 / CURVATURE / 5  # a stable rate with some margin, not a uselessly small one


def test_it_leaves_no_checkpoint_and_cannot_be_resumed(tmp_path: Path) -> None:
    try_rates(tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()
    with pytest.raises(UsageError, match=r"resume='auto' with run={'lr_range_test': '1e-4:100'}"):
        try_rates(tmp_path / "run", resume="auto")


@pytest.mark.parametrize("action", ["stop", "skip"])
def test_a_loss_that_is_not_finite_ends_the_test_and_is_no_error(action: str, tmp_path: Path) -> None:
    task = Task(nn.Linear(1, 1), lambda model, x: (model(x)[:, 0] * 1e30) ** 8, (np.ones((20, 1), np.float32),))
    settings = sgd_config(batch_size=1, dtype="float32").updated({"nonfinite": {"action": action}})
    with pytest.raises(NonFiniteError):
        fit(task, config=settings, epochs=2, quiet=True, dir=tmp_path / "usual", nonfinite={"max_skips": 1})
    run = fit(task, config=settings.updated({"run": {"lr_range_test": "1e-3:1"}}), epochs=2, quiet=True, dir=tmp_path)
    assert run.state == "completed"
    assert found(tmp_path)["loss"] == [None]
    assert found(tmp_path)["recommended"] is None


def test_ranks_and_shards_change_no_bit(tmp_path: Path) -> None:
    tables = []
    for backend in ("local", "threads:2", "threads:3"):
        settings = sgd_config().updated({"run": {"epochs": 10, "shards": 3, "lr_range_test": "1e-4:1000"}})
        fit(lambda c: make_task(), config=settings, quiet=True, dir=tmp_path / backend, backend=backend)
        tables.append(found(tmp_path / backend))
    assert tables[0] == tables[1] == tables[2]


def test_the_average_is_that_of_adam() -> None:
    test = LrRangeTest(0.1, 1.0, steps=100)
    for loss in (2.0, 4.0, 1.0):
        test.explodes(loss)
    weight = 0.2
    moment, expected = 0.0, []
    for k, loss in enumerate((2.0, 4.0, 1.0), 1):
        moment = (1 - weight) * moment + weight * loss
        expected.append(moment / (1 - (1 - weight) ** k))
    assert test.averages == pytest.approx(expected)


def test_recommendations_by_hand() -> None:
    """A loss that falls fastest at 0.01 and rises after 1: the rule says 0.01; a loss that only rises: nothing."""
    test = LrRangeTest(1e-5, 100.0, steps=701)
    for step in range(701):
        lr = test.lr(step)
        sigmoid = 1 / (1 + math.exp(4 * (math.log10(lr) + 2)))
        if test.explodes(1.0 + 2 * sigmoid + (lr / 3) ** 4):
            break
    rate, why = test.recommended()
    assert test.exploded
    assert 0.005 < rate < 0.03  # the average lags behind by a twentieth of seven factors of ten, a factor of 2.2
    assert why.startswith(f"try --optim.lr {rate:.2g}: the loss falls steepest at")
    rising = LrRangeTest(1e-5, 1.0, steps=50)
    for step in range(50):
        rising.explodes(1.0 + step / 50)
    assert rising.recommended()[0] == 0
    falling = LrRangeTest(1e-5, 1.0, steps=50)
    for step in range(50):
        falling.explodes(2.0 - step / 50)
    assert "try higher ones" in falling.recommended()[1]


@pytest.mark.parametrize("text", ["1", "a:b", "1:1", "1:0.1", "0:1", "-1:1", "1e-3:inf", "nan:1", ":", "1:2:3"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a range of rates"):
        rates_of(text)


def test_too_few_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes at least 20 steps, but the run has 4"):
        try_rates(tmp_path, epochs=1)


@pytest.mark.parametrize(("steps", "noisy"), [(20, True), (99, True), (100, False), (400, False)])
def test_a_test_of_few_steps_says_that_it_is_noise(steps: int, noisy: bool) -> None:
    for losses in (np.linspace(2.0, 1.0, steps), np.linspace(1.0, 2.0, steps)):  # that recommend a rate, and none
        test = LrRangeTest(1e-3, 10.0, steps)
        for loss in losses:
            test.explodes(float(loss))
        said = f"; with {steps} steps this is mostly noise: give 100 or more"
        assert test.recommended()[1].endswith(said) == noisy
        assert test.to_table()["why"] == test.recommended()[1]
