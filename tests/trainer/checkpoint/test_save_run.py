"""What a run saves of itself: everything that it needs to go on, the mean of its nodes, and nothing that is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diary import Diary

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import NonFiniteError
from ddtrain.nn import to_torch
from ddtrain.trainer.checkpoint import finder, save_run
from ddtrain.trainer.config.config import Comm, Config, Run
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.task import Task
from helpers import Net, Plain, loss, make_task, sgd_config
from worlds import World

CONFIG = sgd_config(run=Run(dtype="float64", epochs=3, seed=5))


def make(comm: Any, directory: Path, config: Config = CONFIG, model: Any = None, steps: int = 0) -> Trainer:
    """A run that has taken some steps."""
    plain = make_task()
    trainer = Trainer(comm, config, Task(model or Net(), loss, plain.train, plain.valid))
    diary: Any = Diary(comm, directory)
    trainer.records = diary
    for _ in range(steps):
        trainer.take_step()
    return trainer


def save(trainer: Trainer, final: bool = False) -> bool:
    return save_run.save(trainer.state, trainer.records, final)


def test_a_snapshot_is_the_run_as_it_stands(tmp_path: Path) -> None:
    trainer = make(LocalCommunicator(), tmp_path, steps=6)
    trainer.state.metrics, trainer.state.evaluated = {"valid_loss": 0.25}, 4
    assert save(trainer)
    saved = finder.load(finder.path_of(tmp_path, 6)).snapshot
    assert (saved.step, saved.epoch, saved.position, saved.seed, saved.optim_count) == (6, 1, 14, 5, 6)
    assert (saved.metrics, saved.evaluated) == ({"valid_loss": 0.25}, 4)
    assert saved.config == CONFIG.to_table()
    assert saved.coordinator == trainer.coordinator.state_dict()
    assert saved.params_sha256 == trainer.store.sha256()
    assert saved.model_sha256 == trainer.store.model_sha256()
    assert saved.data == trainer.state.data
    assert dict(saved.memory) == {}
    for name, x in to_torch(trainer.task.model, trainer.store.tensors).items():
        np.testing.assert_array_equal(saved.model[name], x)
    np.testing.assert_array_equal(saved.optim["velocity"], trainer.state.optimizer.state["velocity"])


def test_the_log_is_on_the_disk_before_a_checkpoint_says_that_there_is_one(tmp_path: Path) -> None:
    trainer = make(LocalCommunicator(), tmp_path, steps=1)
    trainer.records.flush = lambda: (_ for _ in ()).throw(OSError("the log"))  # type: ignore[method-assign]
    with pytest.raises(OSError, match="the log"):
        save(trainer)
    assert not finder.path_of(tmp_path, 1).exists()


def test_parameters_that_are_lost_are_not_saved(tmp_path: Path) -> None:
    trainer = make(LocalCommunicator(), tmp_path, steps=1)
    trainer.store.tensors["head.weight"][0, 0] = np.nan
    with pytest.raises(NonFiniteError, match=r"head\.weight"):
        save(trainer)
    assert not finder.path_of(tmp_path, 1).exists()


def test_nor_is_an_optimizer_that_is_lost(tmp_path: Path) -> None:
    trainer = make(LocalCommunicator(), tmp_path, steps=1)
    trainer.state.optimizer.state["velocity"][-1] = np.inf
    with pytest.raises(NonFiniteError, match="the optimizer's velocity"):
        save(trainer)


class Masked(nn.Module):
    """Infinite from the start, as a mask is."""

    def __init__(self) -> None:
        self.inner = Plain()
        self.mask = nn.buffer((2,), lambda rng, shape: np.array([0.0, -np.inf]))

    def forward(self, x: Any) -> Any:
        return self.inner(x)


def test_infinities_from_the_start_are_no_loss(tmp_path: Path) -> None:
    trainer = make(LocalCommunicator(), tmp_path, model=Masked(), steps=1)
    assert trainer.state.never_finite == {"mask"}
    assert save(trainer)
    np.testing.assert_array_equal(finder.load(finder.path_of(tmp_path, 1)).snapshot.model["mask"], [0, -np.inf])


def test_an_evaluation_is_put_into_the_checkpoint_of_its_step_and_nothing_else_changes(tmp_path: Path) -> None:
    trainer = make(LocalCommunicator(), tmp_path, steps=2)
    save(trainer)
    before = finder.load(finder.path_of(tmp_path, 2)).snapshot
    trainer.state.metrics, trainer.state.evaluated = {"valid_loss": 0.125}, 2
    trainer.coordinator.best = 0.125
    save_run.complete(trainer.state, trainer.records, final=False)
    after = finder.load(finder.path_of(tmp_path, 2)).snapshot
    assert (after.metrics, after.evaluated, after.coordinator["best"]) == ({"valid_loss": 0.125}, 2, 0.125)
    assert (after.params_sha256, after.config) == (before.params_sha256, before.config)


def test_without_a_checkpoint_of_the_step_an_evaluation_makes_none(tmp_path: Path) -> None:
    trainer = make(LocalCommunicator(), tmp_path, steps=2)
    save_run.complete(trainer.state, trainer.records, final=True)
    assert not finder.path_of(tmp_path, 2).exists()


@pytest.mark.parametrize("spec", ["threads:2", "nodes:0011"])
@pytest.mark.parametrize("mode", ["local", "diloco"])
def test_of_nodes_that_are_apart_the_mean_is_saved_and_each_goes_on_from_where_it_was(
    tmp_path: Path, spec: str, mode: str
) -> None:
    config = sgd_config(comm=Comm(mode=mode, sync_every=100))

    def body(comm: Any) -> tuple[int, Any, Any]:
        trainer = make(comm, tmp_path, config, Plain(), steps=3)
        comm.barrier()
        before = trainer.store.values.copy(), trainer.state.optimizer.state["velocity"].copy()
        comm.barrier()
        save(trainer)
        np.testing.assert_array_equal(trainer.store.values, before[0])
        np.testing.assert_array_equal(trainer.state.optimizer.state["velocity"], before[1])
        comm.barrier()
        return trainer.train_step.node.index, *before

    nodes = {index: (values, velocity) for index, values, velocity in World(spec).run(body)}
    assert not np.array_equal(nodes[0][0], nodes[1][0]), "they did go apart"
    saved = finder.load(finder.path_of(tmp_path, 3)).snapshot
    velocity = (nodes[0][1] + nodes[1][1]) / 2
    np.testing.assert_allclose(saved.optim["velocity"], velocity, rtol=1e-14, atol=1e-300)
    mean = make(LocalCommunicator(), tmp_path, model=Plain())
    mean.store.values[...] = (nodes[0][0] + nodes[1][0]) / 2
    for name, x in to_torch(mean.task.model, mean.store.tensors).items():
        np.testing.assert_allclose(saved.model[name], x, rtol=1e-14, atol=1e-300)
