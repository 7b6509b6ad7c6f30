"""Loading what a run has trained: the checkpoint that is asked for, its values, and what can be wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ddtrain.errors import CheckpointError, UsageError
from ddtrain.nn import from_torch
from ddtrain.recipes import RECIPES
from ddtrain.recipes.trained import load_trained
from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.main import run
from ddtrain.trainer.task import Task


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("runs") / "digits"
    argv = [
        "digits_mlp",
        "--run.epochs",
        "3",
        "--model.hidden",
        "8",
        "--schedule.name",
        "constant",
        "--optim.lr",
        "0.1",
    ]
    assert run([*argv, "--run.dir", str(directory)], RECIPES) == 0
    return directory


@pytest.mark.parametrize("which", ["best", "last", "path"])
def test_values_are_those_of_the_checkpoint(trained: Path, which: str) -> None:
    there = finder.checkpoints(trained)
    path = {"best": min(there, key=finder.goodness), "last": there[0], "path": there[-1]}[which]
    found = load_trained(trained, str(path) if which == "path" else which)
    assert (found.recipe, found.checkpoint) == ("digits_mlp", path)
    values = from_torch(found.task.model, finder.load(path).snapshot.model)
    x, _ = found.task.valid.batch(np.arange(5))  # type: ignore[union-attr]
    np.testing.assert_array_equal(found.model(x), found.task.model.bind(values)(x))
    assert found.task.model.declarations()["layers.0.weight"].shape == (64, 8), "of the run's configuration"


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_trained(tmp_path)
    assert caught.value.one_line == f"{tmp_path}: no run (it has no config.toml): Give the directory of a run."


def test_a_recipe_that_is_not_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('recipe = "digits_mpl"\n')
    with pytest.raises(UsageError, match=r"recipe 'digits_mpl' is not known here\n  There is fashion_cnn"):
        load_trained(tmp_path)


def test_a_run_without_checkpoints_is_refused(trained: Path, tmp_path: Path) -> None:
    shutil.copy(trained / "config.toml", tmp_path)
    with pytest.raises(CheckpointError, match="the run has no checkpoint"):
        load_trained(tmp_path)


def test_a_checkpoint_that_is_not_there_is_refused(trained: Path) -> None:
    with pytest.raises(CheckpointError, match=r"step-7: no such checkpoint\n  Give best, last"):
        load_trained(trained, "step-7")


def test_a_task_of_another_kind_is_refused(trained: Path) -> None:
    class Other(Task):
        pass

    with pytest.raises(UsageError, match="the task of recipe digits_mlp is no Other"):
        load_trained(trained, kind=Other)


def test_a_checkpoint_of_another_model_is_refused(trained: Path, tmp_path: Path) -> None:
    text = (trained / "config.toml").read_text()
    assert "hidden = [8]" in text
    (tmp_path / "config.toml").write_text(text.replace("hidden = [8]", "hidden = [9]"))
    with pytest.raises(
        CheckpointError,
        match=r"not of the model in .*config\.toml: of another shape .*\(stored \(64, 8\), the model's \(64, 9\)\)",
    ):
        load_trained(tmp_path, str(finder.checkpoints(trained)[0]))
