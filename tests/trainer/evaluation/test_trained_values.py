"""What is read from a run's checkpoints has the figures of the run's own evaluations, to the last bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import CheckpointError, UsageError
from ddtrain.trainer.checkpoint import checkpoints, load
from ddtrain.trainer.config.config import Checkpoint, Config, Data, Optim, Run
from ddtrain.trainer.evaluation.trained_values import TrainedValues
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.records.metrics import read
from helpers import Net, Plain, make_task
from worlds import World

CONFIG = Config(
    run=Run(epochs=6, shards=3),
    checkpoint=Checkpoint(every=4, keep=9),
    data=Data(batch_size=7),
    optim=Optim(name="adamw", lr=0.01),
)
AVERAGES: dict[str, dict[str, Any]] = {
    "none": {},
    "kept but not evaluated": {"name": "ema", "decay": 0.9},
    "ema": {"name": "ema", "decay": 0.9, "evaluate": True},
    "swa": {"name": "swa", "start": 0.5, "evaluate": True},
}


def trained(directory: Path, config: Config) -> None:
    recipes = {"net": Recipe(config, lambda config: make_task(Net(), config.run.dtype), "")}
    assert run(["net", "--run.dir", str(directory)], recipes) == 0


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_figures_are_the_runs_own(tmp_path: Path, average: str, dtype: str) -> None:
    """Of every checkpoint, before and after the average has begun, on one rank and on three with the same shards."""
    config = CONFIG.updated({"run": {"dtype": dtype}, "average": AVERAGES[average]})
    trained(tmp_path, config)
    own = {line["step"]: line for line in read(tmp_path / "metrics.jsonl") if "valid_loss" in line}

    def body(comm: Communicator) -> dict[int, dict[str, float]]:
        values = TrainedValues(comm, config, make_task(Net(), dtype))
        snapshots = [load(path).snapshot for path in checkpoints(tmp_path)]
        return {saved.step: values.figures(values.task.model, values.of(saved)) for saved in snapshots}

    for spec in ("local", "threads:3", "nodes:001"):
        for found in World(spec).run(body):
            assert found.keys() == own.keys() == {4, 8, 12, 16, 20, 24}
            for step, figures in found.items():
                assert {**figures, "step": step, "epoch": step // 4} == own[step]


def test_the_average_is_not_the_weights(tmp_path: Path) -> None:
    config = CONFIG.updated({"average": AVERAGES["swa"]})
    trained(tmp_path, config)
    saved = load(tmp_path).snapshot
    found, weights = (
        TrainedValues(LocalCommunicator(), told, make_task(Net(), "float32")).of(saved) for told in (config, CONFIG)
    )
    assert np.abs(found["first.weight"] - weights["first.weight"]).max() > 0
    assert np.abs(found["norm.running_mean"] - weights["norm.running_mean"]).max() > 0


def test_values_outlive_the_next_checkpoint_that_is_read(tmp_path: Path) -> None:
    config = CONFIG.updated({"average": AVERAGES["ema"]})
    trained(tmp_path, config)
    values = TrainedValues(LocalCommunicator(), config, make_task(Net(), "float32"))
    last, first = (load(checkpoints(tmp_path)[k]).snapshot for k in (0, -1))
    found = values.of(last)
    before = {name: x.copy() for name, x in found.items()}
    values.of(first)
    assert all(np.array_equal(found[name], before[name]) for name in before)


def test_misfits_are_refused(tmp_path: Path) -> None:
    trained(tmp_path, CONFIG)
    saved, comm = load(tmp_path).snapshot, LocalCommunicator()
    with pytest.raises(
        CheckpointError, match=r"^the checkpoint: not of the model in the run's config\.toml: unexpected norm"
    ):
        TrainedValues(comm, CONFIG, make_task(Plain(), "float32")).of(saved)
    averaging = CONFIG.updated({"average": AVERAGES["ema"]})
    with pytest.raises(CheckpointError, match=r"^the checkpoint: without the average of the weights that the run"):
        TrainedValues(comm, averaging, make_task(Net(), "float32")).of(saved)
    blind = dataclasses.replace(make_task(Net(), "float32"), valid=None)
    values = TrainedValues(comm, CONFIG, blind)
    with pytest.raises(UsageError, match="there is no validation data to evaluate on"):
        values.figures(blind.model, values.of(saved))
