"""The loop: what it calls in which order, what ends it, and what it does when a disk is full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diary import Diary

from ddtrain import data
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import CheckpointError, NonFiniteError, UsageError
from ddtrain.trainer import loop
from ddtrain.trainer.checkpoint import finder, writer
from ddtrain.trainer.config.config import Checkpoint, Config, Debug, Evaluation, NonFinite, Run
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.step.coordinator import Reason
from ddtrain.trainer.task import Task
from helpers import Plain, make_task, sgd_config
from worlds import World

EPOCH = 4  # steps: 23 samples in batches of 7


def config(epochs: int = 2, steps: int = 0, **sections: Any) -> Config:
    return sgd_config(run=Run(dtype="float64", epochs=epochs, steps=steps), **sections)


def make(tmp_path: Path, config: Config, task: Task | None = None) -> tuple[Trainer, Any]:
    comm = LocalCommunicator()
    trainer = Trainer(comm, config, task or make_task(Plain()))
    diary: Any = Diary(comm, tmp_path)
    trainer.records = diary
    return trainer, diary


def short(diary: Any) -> list[str]:
    """Without epochs and samples."""
    return [line.split(" of ")[0] for line in diary.lines]


class Mean:
    """Something that is fitted when a run begins."""

    def __init__(self, state: Any = None) -> None:
        self.state, self.fitted_on = state, 0

    def fit_over(self, comm: Any) -> None:
        self.fitted_on = comm.size if comm else 1

    def state_dict(self) -> Any:
        return {"mean": np.array(float(self.fitted_on))} if self.state is None else self.state

    def load_state_dict(self, state: Any) -> None:
        raise NotImplementedError


def test_what_is_to_be_fitted_is_fitted_over_all_ranks(world: World) -> None:
    def body(comm: Any) -> int:
        plain, mean = make_task(Plain()), Mean()
        Trainer(comm, config(), replace(plain, fitted={"mean": mean}))
        return mean.fitted_on

    assert world.run(body) == [world.size] * world.size


def test_what_cannot_be_stored_is_said_before_the_first_step() -> None:
    with pytest.raises(UsageError, match="Task: fitted mean/x is a float, which a checkpoint does not hold"):
        Trainer(LocalCommunicator(), config(), replace(make_task(Plain()), fitted={"mean": Mean({"x": 1.5})}))


def test_an_epoch_is_its_steps_a_checkpoint_and_an_evaluation(tmp_path: Path) -> None:
    trainer, diary = make(tmp_path, config())
    result = trainer.run()
    assert diary.lines == [
        *(f"step {k} of epoch 1, {n} samples" for k, n in ((1, 7), (2, 7), (3, 7), (4, 2))),
        *("flush", "evaluation after step 4 of epoch 1", "flush"),
        *(f"step {k} of epoch 2, {n} samples" for k, n in ((5, 7), (6, 7), (7, 7), (8, 2))),
        *("flush", "evaluation after step 8 of epoch 2", "flush"),
    ]
    assert (result.reason, result.step, result.skipped) == (Reason.FINISHED, 8, 0)
    assert result.params_sha256 == trainer.store.sha256()
    assert set(result.metrics) == {"valid_loss", "valid_accuracy"}
    assert result.gradient_bytes == {"sent": 0, "exact": 0}


def test_a_checkpoint_holds_the_evaluation_that_came_after_it(tmp_path: Path) -> None:
    trainer, _ = make(tmp_path, config(epochs=1))
    result = trainer.run()
    saved = finder.load(finder.path_of(tmp_path, EPOCH)).snapshot
    assert saved.metrics == result.metrics
    assert saved.evaluated == saved.step == EPOCH
    assert saved.params_sha256 == result.params_sha256


def test_every_epoch_sees_every_sample_once_in_an_order_of_its_own(tmp_path: Path, monkeypatch: Any) -> None:
    trainer, _ = make(tmp_path, config())
    seen, gradients = [], trainer.mode.gradients
    monkeypatch.setattr(
        trainer.mode,
        "gradients",
        lambda step, rows, vote: (seen.append(np.array(rows)), gradients(step, rows, vote))[1],
    )
    trainer.run()
    first, second = np.concatenate(seen[:EPOCH]), np.concatenate(seen[EPOCH:])
    np.testing.assert_array_equal(np.sort(first), np.arange(23))
    np.testing.assert_array_equal(np.sort(second), np.arange(23))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(second, data.order(0, 1, 23))


class Backwards(data.ArrayData):
    """Its last sample first, and in odd epochs its first one."""

    def order(self, *, seed: int, epoch: int) -> Any:
        return np.arange(len(self))[:: 1 if epoch % 2 else -1]


def test_data_with_an_order_of_its_own_is_seen_in_that(tmp_path: Path, monkeypatch: Any) -> None:
    task = make_task(Plain())
    trainer, _ = make(tmp_path, config(), replace(task, train=Backwards(*task.train.arrays)))  # type: ignore[attr-defined]
    seen, gradients = [], trainer.mode.gradients
    monkeypatch.setattr(
        trainer.mode,
        "gradients",
        lambda step, rows, vote: (seen.extend(rows.tolist()), gradients(step, rows, vote))[1],
    )
    trainer.run()
    assert seen == [*range(22, -1, -1), *range(23)]


def test_a_request_to_stop_ends_the_run_after_its_step_with_a_checkpoint(tmp_path: Path, monkeypatch: Any) -> None:
    trainer, diary = make(tmp_path, config())
    monkeypatch.setattr(loop.stop_signals, "stop_requested", lambda: trainer.state.step == 2)
    result = trainer.run()
    assert (result.reason, result.step) == (Reason.REQUESTED, 3)
    assert short(diary) == ["step 1", "step 2", "step 3", "flush"]
    assert finder.load(finder.path_of(tmp_path, 3)).snapshot.step == 3


def test_steps_cut_a_run_short_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    trainer, diary = make(tmp_path, config(steps=6, checkpoint=Checkpoint(every=3)))
    assert trainer.run().reason is Reason.FINISHED
    steps = [f"step {k}" for k in range(1, 7)]
    evaluations = ["evaluation after step 4", "evaluation after step 6"]
    assert short(diary) == [
        *(*steps[:3], "flush", steps[3], "flush", evaluations[0], "flush"),
        *(*steps[4:], "flush", evaluations[1], "flush"),
    ]


def test_a_run_that_is_over_takes_no_step(tmp_path: Path) -> None:
    trainer, diary = make(tmp_path, config())
    trainer.state.step = trainer.state.evaluated = 2 * EPOCH
    before = trainer.store.sha256()
    result = trainer.run()
    assert (result.reason, result.params_sha256, diary.lines) == (Reason.FINISHED, before, [])


def test_an_evaluation_that_a_kill_has_cost_is_made_up_for(tmp_path: Path) -> None:
    """The checkpoint of step 4 was there, and its evaluation was not: what it finds is put in."""
    make(tmp_path, config(epochs=1))[0].run()
    trainer, diary = make(tmp_path, config())
    trainer.state.step = EPOCH
    trainer.run()
    assert short(diary)[:3] == ["evaluation after step 4", "flush", "step 5"]
    assert finder.load(finder.path_of(tmp_path, EPOCH)).snapshot.metrics == diary.figures[0]


def test_patience_that_had_run_out_before_ends_the_run_at_once(tmp_path: Path) -> None:
    trainer, diary = make(tmp_path, config(eval=Evaluation(patience=2)))
    trainer.state.step = trainer.state.evaluated = EPOCH
    trainer.coordinator.since_best = 2
    assert trainer.run().reason is Reason.PATIENCE
    assert diary.lines == []
    assert diary.warnings == ["--eval.patience 2 had run out before: give more to go on"]


def test_without_validation_data_an_epoch_ends_with_a_checkpoint(tmp_path: Path) -> None:
    task = make_task(Plain())
    trainer, diary = make(tmp_path, config(epochs=1, eval=Evaluation(every=0)), Task(task.model, task.loss, task.train))
    assert trainer.run().metrics == {}
    assert short(diary)[EPOCH:] == ["flush"]


def with_a_bad_sample(bad: float) -> Task:
    task = make_task(Plain())
    x, y = task.train.arrays
    x = x.copy()
    x[5] = bad
    return Task(task.model, task.loss, data.ArrayData(x, y), task.valid)


def test_a_loss_that_is_not_finite_ends_the_run_before_anything_is_saved(tmp_path: Path) -> None:
    trainer, diary = make(tmp_path, config(), with_a_bad_sample(np.nan))
    before = trainer.store.sha256()
    where = int(np.flatnonzero(data.order(0, 0, 23) == 5)[0]) // 7 + 1
    with pytest.raises(NonFiniteError, match="loss is nan") as caught:
        trainer.run()
    assert caught.value.place["step"] == where
    assert "flush" not in diary.lines
    assert len(diary.lines) == where - 1
    assert (trainer.store.sha256() == before) == (where == 1)


def test_steps_that_are_skipped_are_counted_and_change_nothing(tmp_path: Path) -> None:
    trainer, _ = make(tmp_path, config(nonfinite=NonFinite("skip")), with_a_bad_sample(np.inf))
    result = trainer.run()
    assert (result.reason, result.skipped) == (Reason.FINISHED, 2), "one an epoch"
    assert np.isfinite(trainer.store.values).all()


def failing_once(monkeypatch: Any, *steps: int) -> None:
    """The disk is full the first time that each of these steps is saved."""
    left, save = list(steps), writer.save

    def full(comm: Any, directory: Any, take: Any, keep: Any, spared: Any) -> Any:
        if left and take().step == left[0]:
            left.pop(0)
            raise CheckpointError("No space left on device")
        return save(comm, directory, take, keep, spared)

    monkeypatch.setattr(writer, "save", full)


def test_a_full_disk_in_the_middle_is_a_warning(tmp_path: Path, monkeypatch: Any) -> None:
    failing_once(monkeypatch, EPOCH)
    trainer, diary = make(tmp_path, config())
    assert trainer.run().reason is Reason.FINISHED
    assert diary.warnings == ["checkpoint of step 4 not saved, training goes on: No space left on device"]
    assert "evaluation after step 4" in short(diary)
    assert not finder.path_of(tmp_path, EPOCH).exists()
    assert finder.load(finder.path_of(tmp_path, 2 * EPOCH)).snapshot.evaluated == 2 * EPOCH


def test_a_full_disk_at_the_end_is_an_error(tmp_path: Path, monkeypatch: Any) -> None:
    failing_once(monkeypatch, 2 * EPOCH)
    trainer, _ = make(tmp_path, config())
    with pytest.raises(CheckpointError, match="No space left on device") as caught:
        trainer.run()
    assert caught.value.place == {"step": 8, "phase": "checkpoint", "line": caught.value.place["line"]}


def test_a_run_that_an_evaluation_ends_is_saved_again_where_it_could_not_be(tmp_path: Path, monkeypatch: Any) -> None:
    """The save before it was not known to be the last."""
    failing_once(monkeypatch, EPOCH)
    trainer, diary = make(tmp_path, config(epochs=9, eval=Evaluation(patience=1)))
    trainer.coordinator.best = -1.0
    result = trainer.run()
    assert (result.reason, result.step) == (Reason.PATIENCE, EPOCH)
    assert short(diary)[EPOCH:] == ["flush", "evaluation after step 4", "flush"]
    assert finder.load(finder.path_of(tmp_path, EPOCH)).snapshot.metrics == result.metrics


def test_gradients_are_checked_before_the_steps_that_are_asked_for(tmp_path: Path) -> None:
    trainer, diary = make(tmp_path, config(epochs=1, debug=Debug(check_gradients_every=2)))
    plain, _ = make(tmp_path, config(epochs=1))
    result = trainer.run()
    assert short(diary)[:6] == ["gradients", "step 1", "step 2", "gradients", "step 3", "step 4"]
    assert result.params_sha256 == plain.run().params_sha256, "a check changes nothing"


@pytest.mark.parametrize(("option", "traces"), [("2:4", 1), ("", 0), ("3:100", 1)])
def test_traced_steps_are_written_when_they_are_over(tmp_path: Path, option: str, traces: int) -> None:
    trainer, diary = make(tmp_path, config(epochs=1, debug=Debug(trace=option)))
    trainer.run()
    assert diary.lines.count("trace") == traces
    if option == "2:4":
        assert short(diary)[3:5] == ["trace", "step 4"]
    assert trainer.timeline is None


def test_a_trace_of_steps_that_never_come_is_pointed_out(tmp_path: Path) -> None:
    trainer, diary = make(tmp_path, config(epochs=1, debug=Debug(trace="50:60")))
    trainer.run()
    assert diary.warnings == ["--debug.trace 50:60 names no step that this run will take"]
