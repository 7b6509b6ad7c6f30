"""``--data.inputs`` and ``--data.validation`` in whole runs: any ranks, stopped and resumed, and what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import data
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.data.inputs import Standardized
from ddtrain.errors import CheckpointError, UsageError
from ddtrain.recipes import RECIPES
from ddtrain.recipes.digits.autoencoder import DigitsAutoencoder
from ddtrain.recipes.digits.autoencoder import build as build_autoencoder
from ddtrain.recipes.digits.mlp import DigitsMlp, build
from ddtrain.recipes.digits.mlp import Model as Perceptron
from ddtrain.recipes.fashion.lenet import FashionLenet
from ddtrain.recipes.fashion.lenet import build as build_lenet
from ddtrain.recipes.picture_options import ClassData, PictureData
from ddtrain.recipes.trained import load_trained
from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.config.config import Data, Run
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.main import run
from helpers import largest_difference, train
from worlds import World

CALLS = ["none", "standardize", "standardize(per_channel=True)", "whiten(components=20)", "whiten(epsilon=1, zca=True)"]
SMALL = Perceptron(hidden=(8,), dropout=0.0)


def settings(call: str, **options: Any) -> DigitsMlp:
    return DigitsMlp(run=Run(dtype="float64"), data=ClassData(batch_size=30, inputs=call, **options), model=SMALL)


def launch(directory: Path, *options: str) -> str:
    argv = ["digits_mlp", "--model.hidden", "8", "--data.batch-size", "100", "--run.shards", "3"]
    assert run([*argv, "--run.dir", str(directory), *options], RECIPES) == 0
    found: str = json.loads((directory / "summary.json").read_text())["model_sha256"]
    return found


@pytest.mark.parametrize("call", CALLS)
def test_ranks_are_one_rank(call: str) -> None:
    def body(comm: Any) -> dict[str, Any]:
        task = build(settings(call))
        data.fit_over_ranks(task.fitted, comm)
        return train(comm, 8, settings(call), task)

    alone = body(LocalCommunicator())
    for found in World("threads:3").run(body):
        assert largest_difference(alone, found) <= 1e-12  # sums of gradients in another order, after 8 steps


@pytest.mark.parametrize("call", ["standardize", "whiten(components=20)"])
def test_shards_and_stops_change_no_bit(tmp_path: Path, call: str) -> None:
    options = ["--data.inputs", call, "--run.epochs", "2"]
    straight = launch(tmp_path / "straight", *options)
    assert launch(tmp_path / "ranks", *options, "--comm.backend", "threads:3") == straight
    launch(tmp_path / "broken", *options, "--run.steps", "7")  # of 15 in an epoch
    resumed = launch(tmp_path / "broken", "--run.resume", "auto", "--run.steps", "0", "--comm.backend", "threads:2")
    assert resumed == straight
    assert launch(tmp_path / "plain", "--run.epochs", "2") != straight


def test_a_resumed_run_goes_on_with_the_numbers_it_began_with(tmp_path: Path, monkeypatch: Any) -> None:
    """Also where fitting anew would find others, as after a change of the code that fits."""
    options = ["--data.inputs", "standardize", "--run.epochs", "2"]
    straight = launch(tmp_path / "straight", *options)
    launch(tmp_path / "broken", *options, "--run.steps", "7")
    fit = Standardized.fit

    def otherwise(self: Any, dataset: Any, dtype: Any, comm: Any = None) -> Any:
        found = fit(self, dataset, dtype, comm)
        return data.Standardize(found.mean + 1, found.std * 2, dtype)

    monkeypatch.setattr(Standardized, "fit", otherwise)
    assert launch(tmp_path / "broken", "--run.resume", "auto", "--run.steps", "0") == straight
    assert launch(tmp_path / "other", *options) != straight, "the fit does decide the run"
    shown = load_trained(tmp_path / "broken", "last")
    valid = shown.task.valid
    assert valid is not None
    monkeypatch.undo()
    expected = build(replace(settings("standardize"), run=Run())).valid
    assert expected is not None
    x, y = (dataset.batch(np.arange(50))[0] for dataset in (valid, expected))
    np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("call", ["standardize", ""])
def test_other_inputs_than_the_checkpoints_are_refused(tmp_path: Path, call: str) -> None:
    other = "whiten(epsilon=1, zca=True)"
    launch(tmp_path, "--data.inputs", other, "--run.steps", "2")
    argv = ["--run.dir", str(tmp_path), "--run.resume", "auto", "--data.inputs", call]
    assert run(argv, RECIPES) == CheckpointError.exit_code
    text = (tmp_path / "config.toml").read_text()
    assert f'inputs = "{other}"' in text
    (tmp_path / "config.toml").write_text(text.replace(f'inputs = "{other}"', f'inputs = "{call}"'))
    with pytest.raises(CheckpointError, match="step-00000002 does not fit: "):
        load_trained(tmp_path)


def test_every_checkpoint_stores_them(tmp_path: Path) -> None:
    launch(tmp_path, "--data.inputs", "whiten(components=20)", "--run.epochs", "2")
    paths = finder.checkpoints(tmp_path)
    assert len(paths) == 2
    wanted = build(replace(settings("whiten(components=20)"), run=Run())).fitted["inputs"].state_dict()
    for path in paths:
        saved = finder.load(path).snapshot.fitted
        np.testing.assert_array_equal(saved["inputs/components"], wanted["components"])
        assert set(saved) == {f"inputs/{key}" for key in wanted if key != "call"} | {"inputs/call.json"}


@pytest.mark.parametrize("call", [call for call in CALLS if call != "whiten(components=20)"])
def test_pictures_stay_pictures_where_they_are_convolved(call: str) -> None:
    task = build_lenet(FashionLenet(data=ClassData(inputs=call)))
    assert task.train.batch(np.arange(3))[0].shape == (3, 28, 28, 1)
    with pytest.raises(UsageError, match=r"--data.inputs 'whiten\(components=20\)' makes rows of pictures"):
        build_lenet(FashionLenet(data=ClassData(inputs="whiten(components=20)")))


def test_a_mean_a_channel_or_a_pixel() -> None:
    x = data.digits().x_train
    pixel, channel = (build(settings(f"standardize(per_channel={each})")).fitted["inputs"] for each in (False, True))
    np.testing.assert_allclose(pixel.state_dict()["mean"], x.mean(0), rtol=1e-12)  # type: ignore[arg-type]
    np.testing.assert_allclose(channel.state_dict()["mean"], x.mean((0, 1, 2)), rtol=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_validation_data_is_a_part_of_the_training_data(share: float) -> None:
    whole, task = build(settings("none")), build(settings("none", validation=share))
    assert whole.valid is not None
    assert task.valid is not None
    n = len(whole.train)
    assert (len(task.valid), len(task.train)) == (round(share * n), n - round(share * n))
    sets = [
        sorted(row.tobytes() for row in of.batch(np.arange(len(of)))[0])
        for of in (whole.train, task.train, task.valid, whole.valid)
    ]
    assert sorted(sets[1] + sets[2]) == sets[0], "every training sample is in one of the two"
    assert set(sets[2]).isdisjoint(sets[3]), "and the test set in neither"
    counts = [np.bincount(of.batch(np.arange(len(of)))[1]) for of in (whole.train, task.valid)]
    assert (abs(counts[1] - share * counts[0]) <= 1).all(), "of every class alike"
    again = build(replace(settings("none", validation=share), run=Run(dtype="float64", seed=1)))
    assert again.train.batch(np.arange(9))[0].tolist() != task.train.batch(np.arange(9))[0].tolist()


def test_what_is_held_out_is_not_fitted_to() -> None:
    task = build(settings("standardize", validation=0.25))
    x = task.train.batch(np.arange(len(task.train)))[0]
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-12)
    assert task.valid is not None
    assert abs(task.valid.batch(np.arange(len(task.valid)))[0].mean(0)).max() > 1e-3


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_fraction_that_leaves_nothing(share: float) -> None:
    with pytest.raises(UsageError, match=r"--data.validation .* is out of range\n  Give a number from 0 to below 1"):
        validate(settings("", validation=share), 1)


def test_too_few_samples_to_whiten_are_said_before_the_first_step() -> None:
    config = settings("whiten(components=3)", validation=0.97)
    with pytest.raises(Exception, match="whiten: 43 samples are fewer than their 64 dimensions"):
        Trainer(LocalCommunicator(), config, build(config))


def test_a_plain_section_of_data_has_the_defaults_of_the_others() -> None:
    made = DigitsMlp(data=Data(batch_size=5))  # type: ignore[arg-type]
    assert made.data == ClassData(batch_size=5)
    assert DigitsAutoencoder(data=Data(root="x")).data == PictureData(root="x")  # type: ignore[arg-type]


@pytest.mark.parametrize("call", ["none", "standardize", "whiten(components=20)"])
def test_what_an_autoencoder_explains_is_of_the_variance_of_its_inputs(call: str) -> None:
    """What gives every sample the mean of all leaves the variance, and explains nothing."""
    task = build_autoencoder(DigitsAutoencoder(data=PictureData(inputs=call), run=Run(dtype="float64")))
    assert task.valid is not None
    x = task.valid.batch(np.arange(len(task.valid)))[0]
    of_the_mean = float(((x - x.mean(0)) ** 2).mean())
    assert task.derived["explained"]({"loss": of_the_mean}) == pytest.approx(0, abs=1e-12)
    assert task.derived["explained"]({"loss": of_the_mean / 4}) == pytest.approx(0.75)
