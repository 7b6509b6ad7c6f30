"""Averages in runs: weights come back, skipped steps do not enter, and stops leave no trace.

That ranks change no bit is in ``tests/equivalence/test_averages.py``, but for MPI and a divided state.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nodes  # noqa: F401  a backend
import numpy as np
import pytest
import safetensors.numpy
from diary import Diary

from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.nn import from_torch
from ddtrain.optim.averages import Average, Ema, Swa
from ddtrain.trainer.checkpoint.contents import decode
from ddtrain.trainer.checkpoint.finder import latest
from ddtrain.trainer.config import validate
from ddtrain.trainer.config.config import Checkpoint, Clip, Comm, Config, Data, NonFinite, Optim, Run
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.records.metrics import read
from ddtrain.trainer.task import Task
from helpers import Net, Plain, make_task, sgd_config
from worlds import World

EPOCHS, STEPS = 3, 12
EMA, SWA = Ema(decay=0.8, evaluate=True), Swa(start=0.5, evaluate=True)
AVERAGES = pytest.mark.parametrize("average", [EMA, SWA], ids=lambda average: average.name)


def told(average: Average, **sections: Any) -> Config:
    return sgd_config(**{"run": Run(dtype="float64", epochs=EPOCHS), "average": average, **sections})


def make(comm: Communicator, config: Config, task: Task | None = None, directory: Any = None) -> Trainer:
    trainer = Trainer(comm, config, task or make_task(dtype=np.dtype(config.run.dtype)))
    diary: Any = Diary(comm, directory)
    trainer.records = diary
    return trainer


def averaged(comm: Communicator, config: Config) -> dict[str, Any]:
    """What is evaluated after some steps, and the figures of the evaluation."""
    trainer = make(comm, config)
    for _ in range(STEPS):
        control = trainer.take_step()
    with trainer.average.in_place() as begun:
        assert begun
        found = {name: x.copy() for name, x in trainer.store.tensors.items()}
    trainer._evaluate(control)
    return {**found, **trainer.state.metrics}


def worst(a: dict[str, Any], b: dict[str, Any]) -> float:
    assert a.keys() == b.keys()
    return max(float(np.abs(np.subtract(a[name], b[name])).max()) for name in a)


@pytest.mark.mpi
@pytest.mark.parametrize("node_memory", ["auto", "off"])
def test_mpi_gives_the_bits_of_one_rank(comm: Any, node_memory: Any) -> None:
    shards = Run(dtype="float64", epochs=EPOCHS, shards=4)
    found = averaged(comm, told(SWA, run=shards, comm=Comm(node_memory=node_memory)))
    assert worst(found, averaged(LocalCommunicator(), told(SWA, run=shards))) == 0


@AVERAGES
@pytest.mark.parametrize("spec", ["threads:3", "nodes:001"])
def test_a_sharded_optimizer_changes_no_bit(average: Average, spec: str) -> None:
    configs = [told(average, comm=Comm(sharded_optimizer=divided)) for divided in (False, True)]
    whole, sharded = (World(spec).run(lambda comm, config=config: averaged(comm, config)) for config in configs)
    for a, b in zip(whole, sharded, strict=True):
        assert worst(a, b) == 0


@pytest.mark.parametrize("spec", ["threads:2", "nodes:011"])
def test_nodes_that_train_apart_average_the_mean_of_their_weights(spec: str) -> None:
    """Also between their meetings, and afterwards each node has its own weights again."""

    def body(comm: Communicator) -> tuple[float, bool]:
        trainer = make(comm, told(Swa(start=1.0), comm=Comm(mode="local", sync_every=4)), make_task(Plain()))
        total = np.zeros_like(trainer.store.values)
        for _ in range(10):
            trainer.take_step()
            with trainer.mode.consolidated():
                total += trainer.store.values
        before = trainer.store.values.copy()
        comm.barrier()  # the nodes' values are averaged in memory that ranks share
        with trainer.average.in_place():
            far = float(np.abs(trainer.store.values - total / 10).max())
        return far, trainer.store.values.tobytes() == before.tobytes()

    for far, same in World(spec).run(body):
        assert far < 1e-12
        assert same


@AVERAGES
@pytest.mark.parametrize("spec", ["local", "threads:2", "nodes:001"])
@pytest.mark.parametrize("divided", [False, True])
def test_weights_buffers_and_average_come_back_bit_for_bit(average: Average, spec: str, divided: bool) -> None:
    def body(comm: Communicator) -> None:
        trainer = make(comm, told(average, comm=Comm(sharded_optimizer=divided)))
        for _ in range(STEPS):
            trainer.take_step()
        state = trainer.state.optimizer.state["average"]
        before = [x.tobytes() for x in (trainer.store.values, trainer.store.state, state)]
        with trainer.average.in_place():
            assert trainer.store.values.tobytes() != before[0]
        assert [x.tobytes() for x in (trainer.store.values, trainer.store.state, state)] == before

    World(spec).run(body)


def test_an_evaluation_is_of_the_average_only_if_that_is_asked_for() -> None:
    def loss(average: Average, steps: int = STEPS) -> float:
        trainer = make(LocalCommunicator(), told(average))
        for _ in range(steps):
            control = trainer.take_step()
        trainer._evaluate(control)
        return trainer.state.metrics["valid_loss"]

    plain = loss(Average())
    assert loss(replace(EMA, evaluate=False)) == plain
    assert loss(EMA) != plain
    assert loss(replace(EMA, decay=0.0)) == plain, "the average is the weights"
    assert loss(SWA, steps=6) == loss(Average(), steps=6), "it has not begun"
    assert loss(SWA, steps=8) != loss(Average(), steps=8)


@AVERAGES
def test_skipped_steps_do_not_enter(average: Average) -> None:
    """As many updates, of the same batches, as in the run that never had the bad one."""
    task = make_task(Plain())
    x, y = task.train.arrays
    bad = x.copy()
    bad[3] = np.nan

    def found(batches: list[int], x: Any) -> bytes:
        config = told(average, nonfinite=NonFinite("skip"), clip=Clip(norm=0.0))
        trainer = make(LocalCommunicator(), config, Task(task.model, task.loss, (x, y)))
        for step, batch in enumerate(batches):
            totals = trainer.mode.gradients(step, np.arange(7 * batch, 7 * batch + 7))
            trainer.mode.apply(trainer.coordinator.decide(step, totals, trainer.mode.square_norm()))
        return trainer.state.optimizer.state["average"].tobytes()

    good = [1, 2, 2, 1, 2, 1, 1, 2]
    assert found([*good[:4], 0, 0, *good[4:]], bad) == found(good, x)


def test_before_it_begins_nothing_is_exported_and_that_is_said(tmp_path: Path) -> None:
    trainer = make(LocalCommunicator(), told(Swa(start=0.9, export=True)), make_task(), tmp_path)
    trainer.coordinator.total_steps = 4
    trainer.run()
    diary: Any = trainer.records
    assert diary.warnings == ["--average.export: the average has not begun after 4 steps"]
    assert not (tmp_path / "average.safetensors").exists()


def test_a_start_after_the_end_of_the_run_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--average.start 13 is after the 12 steps of the run"):
        make(LocalCommunicator(), told(Swa(start=13.0)))


@pytest.mark.parametrize(
    ("average", "said"),
    [
        (Ema(decay=1.0), "--average.decay 1.0 is out of range\n  Give at least 0 and below 1."),
        (Ema(decay=-0.1), "--average.decay -0.1 is out of range"),
        (Ema(decay=float("nan")), "--average.decay nan is out of range"),
        (Swa(start=-1.0), "--average.start -1.0 is out of range\n  Give a fraction below 1, or a whole number."),
        (Swa(start=1.5), "--average.start 1.5 is out of range"),
        (Swa(start=float("inf")), "--average.start inf is out of range"),
        (Swa(start=float("nan")), "--average.start nan is out of range"),
        (Swa(every=0), "--average.every 0 is out of range\n  Give at least 1."),
    ],
)
def test_values_out_of_range_are_refused(average: Average, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        validate(told(average), 1)
    assert said in str(caught.value)


def test_diloco_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--average.name ema with --comm.mode diloco: the outer steps move"):
        validate(told(EMA, comm=Comm(mode="diloco")), 2)


# -- whole runs -----------------------------------------------------------------------------------------------------

RECIPES = {
    "tiny": Recipe(
        Config(
            run=Run(epochs=6),
            checkpoint=Checkpoint(every=5),
            data=Data(batch_size=7),
            optim=Optim(name="adamw", lr=0.01),
        ),
        lambda config: make_task(Net(), config.run.dtype),
        "a tiny net",
    )
}
OPTIONS = [
    ("--average.name", "ema", "--average.decay", "0.9", "--average.warmup"),
    ("--average.name", "swa", "--average.start", "9", "--average.every", "2"),
    ("--average.name", "swa", "--average.start", "0.3", "--comm.mode", "local", "--comm.sync-every", "4"),
    ("--average.name", "ema", "--comm.sharded-optimizer"),
    ("--average.name", "ema", "--comm.mode", "stale"),
]


def launch(directory: Path, *options: str, ranks: int = 2) -> int:
    backend = f"threads:{ranks}" if ranks > 1 else "local"
    return run(["tiny", "--run.dir", str(directory), "--comm.backend", backend, *options], RECIPES)


def outcome(directory: Path) -> Any:
    """The average in the last checkpoint, the one exported, and all evaluations of whole epochs."""
    found = latest(directory)
    assert found is not None
    lines = [line for line in read(directory / "metrics.jsonl") if "valid_loss" in line and line["step"] % 4 == 0]
    figures = [(line["step"], line["valid_loss"]) for line in lines]
    exported = (directory / "average.safetensors").read_bytes()
    return found.snapshot.step, found.snapshot.optim["average"].tobytes(), exported, figures


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_stopped_anywhere_and_resumed(tmp_path: Path, options: tuple[str, ...]) -> None:
    options = (*options, "--average.evaluate", "--average.export")
    assert launch(tmp_path / "straight", *options) == 0
    for stop in ("1", "6", "13", "24"):
        assert launch(tmp_path / "cut", *options, "--run.steps", stop, "--run.resume", "auto") == 0
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "straight")


def test_what_is_exported_is_what_is_evaluated(tmp_path: Path) -> None:
    assert launch(tmp_path, "--average.name", "swa", "--average.evaluate", "--average.export", ranks=1) == 0
    exported = safetensors.numpy.load_file(tmp_path / "average.safetensors")
    task = make_task(Net(), np.float32)
    assert task.valid is not None
    losses, _ = task.loss(task.model.bind(from_torch(task.model, exported)), *task.valid.arrays)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert float(np.mean(losses)) == pytest.approx(summary["valid_loss"], rel=1e-6)
    saved = decode(sorted((tmp_path / "checkpoints").iterdir())[-1])
    assert exported.keys() == saved.model.keys()
    assert any(not np.array_equal(exported[name], saved.model[name]) for name in exported)


def test_an_average_that_the_checkpoint_has_not_is_missed_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(tmp_path, "--run.steps", "4", ranks=1) == 0
    assert launch(tmp_path, "--average.name", "ema", "--run.resume", "auto", ranks=1) != 0
    assert "optimizer state average: checkpoint has none, optimizer (" in capsys.readouterr().err


@pytest.mark.parametrize("every", [100, 2])
def test_a_mean_of_one_point_is_said_at_the_start(
    every: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe = Recipe(told(Swa(start=1.0, every=every)), lambda config: make_task(), "")
    assert run(["--run.dir", str(tmp_path / "run")], {"mine": recipe}, only="mine") == 0
    said = "average swa: the weights of one step alone enter (step 1 of 12, and the next would be 101)"
    assert (said in capfd.readouterr().out) == (every == 100)
