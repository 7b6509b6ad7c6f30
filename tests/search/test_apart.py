"""What chooses and what judges have no sample in common, whatever the task has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from searches import LineConfig, line_task

from ddtrain.data import ArrayData
from ddtrain.errors import UsageError
from ddtrain.recipes import RECIPES
from ddtrain.search.apart import apart, held_out
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task


def samples(dataset: Any) -> set[bytes]:
    rows = dataset.batch(np.arange(len(dataset)))[0]
    return {row.tobytes() for row in rows}


def test_validation_data_is_halved_where_there_is_no_test_data() -> None:
    whole, task = line_task(LineConfig()), apart(line_task)(LineConfig())
    assert not samples(task.valid) & samples(task.test)
    assert samples(task.valid) | samples(task.test) == samples(whole.valid)
    assert abs(len(task.valid) - len(task.test)) <= 1
    assert samples(task.train) == samples(whole.train)
    again = apart(line_task)(LineConfig())
    assert samples(again.valid) == samples(task.valid), "by the seed alone"
    other = apart(line_task)(LineConfig().updated({"run": {"seed": 1}}))
    assert samples(other.valid) != samples(task.valid)


def test_of_several_validation_sets_the_first_which_decides_is_halved() -> None:
    x = np.arange(12.0)[:, None]
    sets: Any = {"near": ArrayData(x), "far": ArrayData(x + 50)}
    given = Task(line_task(LineConfig()).model, lambda model, x: x[:, 0], (x,), sets)
    task = apart(lambda config: given)(Config())
    assert list(task.valid_sets) == ["near", "far"]
    assert (len(task.valid_sets["near"]), len(task.valid_sets["far"]), len(task.test or ())) == (6, 12, 6)
    assert task.valid is task.valid_sets["near"]


def test_a_test_set_stays_what_it_is() -> None:
    task = line_task(LineConfig())
    given = replace(task, test=ArrayData(np.ones((3, 3)), np.ones(3)))
    assert apart(lambda config: given)(Config()) is given


def test_the_test_set_under_another_name_is_refused() -> None:
    task = line_task(LineConfig())
    x, y = (np.array(part) for part in task.valid.arrays)  # type: ignore[union-attr]
    for test in (task.valid, ArrayData(x, y)):
        given = replace(task, test=test)
        with pytest.raises(UsageError, match="the task's validation data is its test data"):
            apart(lambda config, given=given: given)(Config())


def test_without_validation_data_there_is_nothing_to_choose_by() -> None:
    with pytest.raises(UsageError, match="no validation data to choose by"):
        apart(lambda config: replace(line_task(config), valid=None, valid_sets={}))(LineConfig())


def test_recipes_of_pictures_hold_training_samples_out() -> None:
    recipe = RECIPES["digits_mlp"]
    config = held_out(recipe.config)
    assert config.data.validation == 0.1  # type: ignore[attr-defined]
    task, usual = apart(recipe.build)(config), recipe.build(recipe.config)
    assert samples(task.test) == samples(usual.valid), "the test images are left for tests"
    assert not samples(task.valid) & samples(task.train)
    mine = recipe.config.updated({"data": {"validation": 0.25}})
    assert held_out(mine) == mine
