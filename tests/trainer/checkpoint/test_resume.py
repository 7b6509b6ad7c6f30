"""Resuming: all of a saved run is taken up, what has changed is said, and what cannot change is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diary import Diary

from ddtrain import data
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import CheckpointError, UsageError
from ddtrain.trainer.checkpoint import finder, save_run
from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.checkpoint.resume import changed_options, resume
from ddtrain.trainer.config.config import Clip, Comm, Config, Data, Evaluation, Optim, Run, Schedule
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.task import Task
from helpers import Net, Plain, make_task, sgd_config
from worlds import World

CONFIG = sgd_config(run=Run(dtype="float64", epochs=3, seed=5), schedule=Schedule(name="plateau", patience=1))


def make(comm: Any, directory: Path, config: Config = CONFIG, task: Task | None = None, steps: int = 0) -> Trainer:
    trainer = Trainer(comm, config, task or make_task(Net()))
    diary: Any = Diary(comm, directory)
    trainer.records = diary
    for _ in range(steps):
        trainer.take_step()
    return trainer


def saved_run(directory: Path, steps: int = 6) -> tuple[Trainer, Snapshot]:
    trainer = make(LocalCommunicator(), directory, steps=steps)
    trainer.state.metrics, trainer.state.evaluated = {"valid_loss": 0.25}, min(4, steps)
    trainer.coordinator.best, trainer.coordinator.skipped = 0.25, 3
    trainer.coordinator.schedule.load({"multiplier": 0.5, "best": 0.25, "bad": 1})
    save_run.save(trainer.state, trainer.records, final=True)
    return trainer, finder.load(finder.path_of(directory, steps)).snapshot


def test_all_of_a_run_is_taken_up(tmp_path: Path) -> None:
    old, saved = saved_run(tmp_path)
    new = make(LocalCommunicator(), tmp_path, replace(CONFIG, eval=Evaluation(every=2)))
    assert resume(new.state, saved) == []
    assert (new.state.step, new.state.evaluated, new.state.metrics) == (6, 4, {"valid_loss": 0.25})
    assert (new.mode.done, new.state.optimizer.count) == (6, 6)
    assert new.store.model_sha256() == old.store.model_sha256()
    np.testing.assert_array_equal(new.state.optimizer.state["velocity"], old.state.optimizer.state["velocity"])
    assert new.coordinator.state_dict() == old.coordinator.state_dict()


@pytest.mark.parametrize("steps", [1, 4, 6])
def test_the_next_step_is_the_one_that_would_have_come(tmp_path: Path, steps: int) -> None:
    old, saved = saved_run(tmp_path, steps)
    new = make(LocalCommunicator(), tmp_path)
    resume(new.state, saved)
    assert old.take_step() == new.take_step()
    assert new.store.model_sha256() == old.store.model_sha256()


@pytest.mark.parametrize("spec", ["threads:3", "nodes:0011"])
@pytest.mark.parametrize("mode", ["sync", "local", "diloco", "stale"])
def test_every_rank_has_what_the_checkpoint_holds(tmp_path: Path, spec: str, mode: str) -> None:
    """Of a run on one rank in the mode sync, with its model and its optimizer."""
    old, saved = saved_run(tmp_path)

    def body(comm: Any) -> tuple[list[str], Any, Any]:
        new = make(comm, tmp_path, replace(CONFIG, comm=Comm(mode=mode)))
        said = resume(new.state, saved)
        comm.barrier()
        return said, new.store.values.copy(), new.state.optimizer.state["velocity"].copy()

    for said, values, velocity in World(spec).run(body):
        np.testing.assert_array_equal(values, old.store.values)
        np.testing.assert_array_equal(velocity, old.state.optimizer.state["velocity"])
        expected = [] if mode == "sync" else [f"--comm.mode is {mode}, but was sync: the run goes on differently"]
        assert said == expected


def test_what_was_fitted_is_taken_up_in_place(tmp_path: Path) -> None:
    """The transform that the data set holds is the one that is loaded into."""

    def prepared(mean: float) -> Task:
        task = make_task(Net())
        x, y = task.train.arrays
        transform = data.Standardize(np.full(x.shape[1], mean), np.ones(x.shape[1]), np.float64)
        return replace(task, train=data.ArrayData(x, y, transform=transform), fitted={"inputs": transform})

    old = make(LocalCommunicator(), tmp_path, task=prepared(2.0), steps=3)
    save_run.save(old.state, old.records, final=True)
    saved = finder.load(finder.path_of(tmp_path, 3)).snapshot
    new = make(LocalCommunicator(), tmp_path, task=prepared(5.0))
    resume(new.state, saved)
    for mine, theirs in zip(new.task.train.batch(np.arange(4)), old.task.train.batch(np.arange(4)), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert old.take_step() == new.take_step()
    with pytest.raises(CheckpointError, match="checkpoint of step 3 does not fit: it holds what was fitted for inputs"):
        resume(make(LocalCommunicator(), tmp_path).state, saved)


def snapshot(config: Config = CONFIG, step: int = 6, **changes: Any) -> Snapshot:
    """With a configuration alone."""
    table = config.to_table()
    for option, value in changes.items():
        section, name = option.split("_", 1)
        if value is None:
            del table[section][name]
        else:
            table[section][name] = value
    return Snapshot(step=step, epoch=1, position=14, seed=5, model={}, optim={}, config=table, coordinator={})


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (replace(CONFIG, optim=Optim(name="sgd", lr=0.1, momentum=0.9, weight_decay=1e-3)), "--optim.lr is 0.1, but "),
        (replace(CONFIG, clip=Clip(norm=2.0)), "--clip.norm is 2.0, but was 1.0: the run goes on differently"),
        (replace(CONFIG, comm=Comm(hook="topk")), "--comm.hook is topk, but was exact: the run goes on differently"),
        (
            replace(CONFIG, run=replace(CONFIG.run, epochs=4)),
            "--run.epochs is 4, but was 3: the run goes on ",
        ),
        (replace(CONFIG, run=replace(CONFIG.run, accumulate=2)), "--run.accumulate is 2, but was 1: the run goes on "),
    ],
    ids=["lr", "clip", "hook", "epochs", "accumulate"],
)
def test_what_decides_the_steps_to_come_and_has_changed_is_said(now: Config, line: str) -> None:
    (said,) = changed_options(now, snapshot())
    assert said.startswith(line)


def test_what_decides_nothing_may_change_in_silence() -> None:
    now = replace(CONFIG, eval=Evaluation(every=7), comm=Comm(bucket_bytes=64), run=replace(CONFIG.run, dir="x"))
    assert list(changed_options(now, snapshot())) == []


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (replace(CONFIG, run=replace(CONFIG.run, seed=6)), "--run.seed is 6, but the checkpoint's run had 5"),
        (replace(CONFIG, run=replace(CONFIG.run, dtype="float32")), "--run.dtype is float32, but the checkpoint's run"),
        (replace(CONFIG, data=Data(batch_size=8)), "--data.batch-size is 8, but the checkpoint's run had 7"),
    ],
    ids=["seed", "dtype", "batch size"],
)
def test_what_gives_a_step_its_meaning_cannot_change(now: Config, said: str) -> None:
    with pytest.raises(UsageError, match=f"^{said}") as caught:
        list(changed_options(now, snapshot()))
    assert "or start anew in another --run.dir" in caught.value.remedy


def test_an_option_that_there_was_not_yet_is_passed_over() -> None:
    assert list(changed_options(CONFIG, snapshot(comm_outer_lr=None))) == []
    with pytest.raises(CheckpointError, match=r"checkpoint of step 6: foreign: its --run.seed is None, not such as 5"):
        list(changed_options(CONFIG, snapshot(run_seed=None)))


@pytest.mark.parametrize(("option", "value"), [("optim_lr", "fast"), ("run_epochs", [3]), ("comm_mode", 1)])
def test_what_an_option_can_never_have_been_is_foreign(option: str, value: Any) -> None:
    with pytest.raises(CheckpointError, match="checkpoint of step 6: foreign: its --"):
        list(changed_options(CONFIG, snapshot(**{option: value})))


def test_a_whole_number_may_stand_for_a_real_one() -> None:
    assert list(changed_options(CONFIG, snapshot(clip_norm=1))) == []


@pytest.mark.parametrize(("was", "now", "said"), [(10, 0, True), (10, 12, False), (6, 0, False), (0, 0, False)])
def test_a_limit_of_steps_that_is_gone_is_said_while_it_was_not_reached(was: int, now: int, said: bool) -> None:
    lines = list(changed_options(replace(CONFIG, run=replace(CONFIG.run, steps=now)), snapshot(run_steps=was)))
    assert lines == ["--run.steps is 0 (no limit), but was 10: the run goes on past it"] * said


def test_other_data_is_refused(tmp_path: Path) -> None:
    _, saved = saved_run(tmp_path)
    task = make_task(Net())
    x, y = task.train.arrays
    other = Task(task.model, task.loss, data.ArrayData(x[:-1], y[:-1]), task.valid)
    new = make(LocalCommunicator(), tmp_path, task=other)
    with pytest.raises(UsageError, match=r"the training data is .* but the checkpoint's run had "):
        resume(new.state, saved)


@pytest.mark.parametrize(("field", "value"), [("epoch", 2), ("position", 7), ("seed", 4)])
def test_a_place_that_no_run_can_have_had_is_foreign(tmp_path: Path, field: str, value: int) -> None:
    _, saved = saved_run(tmp_path)
    right = getattr(saved, field)
    new = make(LocalCommunicator(), tmp_path)
    with pytest.raises(CheckpointError, match=f"foreign: {field} is {value}, where it can only be {right}"):
        resume(new.state, replace(saved, **{field: value}))


def test_another_model_is_refused_and_nothing_is_taken_up(tmp_path: Path) -> None:
    _, saved = saved_run(tmp_path)
    new = make(LocalCommunicator(), tmp_path, task=make_task(Plain()))
    before = new.store.model_sha256()
    with pytest.raises(CheckpointError, match="checkpoint of step 6 does not fit"):
        resume(new.state, saved)
    assert (new.state.step, new.store.model_sha256()) == (0, before)


def test_another_arithmetic_is_said(tmp_path: Path) -> None:
    _, saved = saved_run(tmp_path)
    new = make(LocalCommunicator(), tmp_path)
    (line,) = resume(new.state, replace(saved, versions={**saved.versions, "numpy": "1.0"}))
    assert line == f"numpy is {np.__version__!r}, but the checkpoint's run had '1.0': last bits may differ"


def test_memory_that_the_mode_does_not_know_is_foreign(tmp_path: Path) -> None:
    _, saved = saved_run(tmp_path)
    n = saved.optim["velocity"].size
    new = make(LocalCommunicator(), tmp_path, replace(CONFIG, comm=Comm(mode="local")))
    memory = {"0/spans": np.array([[0, n]]), "0/mean.other": np.ones(n)}
    told = replace(saved, config=replace(CONFIG, comm=Comm(mode="local")).to_table(), memory=memory)
    with pytest.raises(CheckpointError, match=r"foreign: its memory.safetensors is not what local and exact remember"):
        resume(new.state, told)
