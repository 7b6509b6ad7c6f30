"""The support vector machine: its kernel and its margin are those of its section."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.ops.losses import Loss
from ddtrain.recipes import RECIPES
from ddtrain.recipes.digits.svm import DigitsSvm, Model, build
from ddtrain.trainer.config import command_line

WIDTHS = {"linear": 64, "polynomial": 66 * 65 // 2, "fourier": 77}


@pytest.mark.parametrize("kernel", WIDTHS)
def test_the_classifier_is_as_wide_as_its_features(kernel: str) -> None:
    task = build(DigitsSvm(model=Model(kernel=kernel, features=77)))  # type: ignore[arg-type]
    shapes = [d.shape for path, d in task.model.declarations().items() if path.endswith("linear.weight")]
    assert shapes == [(WIDTHS[kernel], 10)]


@pytest.mark.parametrize("loss", ["hinge", "crammer_singer"])
def test_the_loss_is_that_of_the_section(loss: str) -> None:
    task = build(DigitsSvm(model=Model(kernel="linear"), loss=Loss(name=loss)))
    x, labels = task.train.batch(np.arange(6))
    model = task.model.bind(task.model.init(0))
    losses, metrics = task.loss(model, x, labels)
    np.testing.assert_array_equal(losses, getattr(ops, loss)(model(x), labels))
    np.testing.assert_array_equal(metrics["accuracy"], ops.correct(model(x), labels))


def test_the_loss_under_its_former_option(tmp_path: Path) -> None:
    """It was an option of the model; files of that time load, too, with a note."""
    choices = {name: (recipe.config, recipe.about) for name, recipe in RECIPES.items()}
    file = tmp_path / "old.toml"
    file.write_text('recipe = "digits_svm"\n[model]\nkernel = "linear"\nloss = "crammer_singer"\n')
    for argv, note in (
        (["digits_svm", "--model.loss", "crammer_singer", "--loss.margin", "2"], "--model.loss is --loss.name now"),
        (["--config", str(file)], f"--config {file}: model.loss is loss.name now"),
    ):
        found = command_line.parse(argv, choices)
        assert found.config.loss.name == "crammer_singer"  # type: ignore[attr-defined]
        assert found.notes == (note,)
    (tmp_path / "run").mkdir()
    file.rename(tmp_path / "run" / "config.toml")
    found = command_line.parse(["--run.dir", str(tmp_path / "run"), "--run.resume", "auto"], choices)
    assert found.config.loss.name == "crammer_singer"  # type: ignore[attr-defined]
