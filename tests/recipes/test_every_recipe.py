"""What holds of every recipe: its networks' gradients, the same bits on any number of ranks, and that it learns."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import data
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.diagnose import check_gradients
from ddtrain.errors import UsageError
from ddtrain.recipes import RECIPES
from ddtrain.trainer.config.config import Config, Data
from ddtrain.trainer.main import run
from ddtrain.trainer.step.loss_output import split
from ddtrain.trainer.step.setup import build_step
from helpers import train

OTHER = {  # networks that are not the recipe's default
    "digits_svm": [{"kernel": "linear"}, {"kernel": "polynomial"}],
    "digits_autoencoder": [{"tied": False}],
    "shakespeare_char": [{"cell": "rnn"}, {"cell": "lstm", "layers": 2}, {"carry": True}],
    "shakespeare_nnlm": [{"direct": True}],
}
VARIANTS = [(name, model) for name in RECIPES for model in [{}, *OTHER.get(name, [])]]
SMALL: dict[str, dict[str, Any]] = {  # so that three steps take no time
    "fashion_resnet20": {"widths": [8, 8, 8]},
    "fashion_vgg": {"widths": [4, 8], "hidden": 16},
    "fashion_inception": {"width": 8},
    "shakespeare_char": {"hidden": 24},
    "shakespeare_gpt": {"width": 16, "layers": 1},
    "shakespeare_masked": {"width": 16, "layers": 1},
    "digits_to_words": {"width": 16, "layers": 1, "samples": 256},
}


def small(name: str, model: dict[str, Any], dtype: str = "float32") -> Config:
    config = RECIPES[name].config
    sections: dict[str, Any] = {"data": {"batch_size": 8}, "run": {"dtype": dtype}}
    if hasattr(config, "model"):
        sections["model"] = SMALL.get(name, {}) | model
    return config.updated(sections)


@pytest.mark.parametrize(("name", "model"), VARIANTS)
def test_gradients_are_right(name: str, model: dict[str, Any]) -> None:
    config = small(name, model)
    train_step = build_step(LocalCommunicator(), RECIPES[name].build(config), config)
    seen = check_gradients(train_step, 0, np.arange(8))
    assert seen.weights
    assert seen.ratio <= 1e-6


@pytest.mark.parametrize("name", RECIPES)
def test_shards_make_ranks_alike_to_the_last_bit(name: str, tmp_path: Path) -> None:
    hashes = []
    for backend in ("local", "threads:2"):
        directory = tmp_path / backend.replace(":", "")
        model: list[str] = []
        for key, value in SMALL.get(name, {}).items():
            model += [f"--model.{key.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
        argv = [name, "--run.steps", "3", "--run.shards", "2", "--eval.every", "0", "--data.batch-size", "9", *model]
        assert run([*argv, "--comm.backend", backend, "--run.dir", str(directory)], RECIPES) == 0
        hashes.append(json.loads((directory / "summary.json").read_text())["model_sha256"])
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("name", RECIPES)
def test_a_few_samples_are_learned(name: str) -> None:
    config = small(name, {}).updated(
        {"data": {"batch_size": 32}, "optim": {"name": "adam", "lr": 0.003}, "schedule": {"name": "constant"}}
    )
    task = RECIPES[name].build(config)
    few = dataclasses.replace(task, train=data.ArrayData(*data.batch_of(task.train, np.arange(32), "float32")))
    losses = [line["loss"] for line in train(LocalCommunicator(), 30, config, few)["means"]]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "shakespeare_glove"])
def test_held_out_samples_have_finite_losses(name: str) -> None:
    task = RECIPES[name].build(small(name, {}))
    assert task.valid is not None
    losses, _ = split(task.loss(task.model.bind(task.model.init(0)), *data.batch_of(task.valid, [0, 1, 2], "float32")))
    assert losses.shape == (3,)
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("name", [name for name in RECIPES if not name.startswith("fashion")])
def test_a_directory_of_data_is_refused_where_all_is_in_the_package(name: str) -> None:
    config = dataclasses.replace(small(name, {}), data=Data(root="/data"))
    with pytest.raises(UsageError, match=r"--data\.root is not read by this recipe"):
        RECIPES[name].build(config)
