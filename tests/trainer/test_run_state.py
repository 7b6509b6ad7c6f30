"""Where a run stands: its place in the data, and tensors that were never finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.task import Task
from helpers import Plain, loss, make_task, sgd_config


class Masked(nn.Module):
    def __init__(self) -> None:
        self.inner = Plain()
        self.mask = nn.buffer((2,), lambda rng, shape: np.array([0.0, np.nan]))

    def forward(self, x: Any) -> Any:
        return self.inner(x)


def state_of(model: Any = None) -> Any:
    task = make_task()
    return Trainer(LocalCommunicator(), sgd_config(), Task(model or Plain(), loss, task.train)).state


@pytest.mark.parametrize(
    ("step", "epoch", "offset"), [(0, 0, 0), (3, 0, 3), (4, 1, 0), (11, 2, 3), (4_000_000, 1_000_000, 0)]
)
def test_the_last_batch_of_an_epoch_is_a_step_like_others(step: int, epoch: int, offset: int) -> None:
    """23 samples in batches of 7 are four steps."""
    assert state_of().position(step) == (epoch, offset)


def test_a_run_begins_at_nothing() -> None:
    state = state_of()
    assert (state.step, state.evaluated, state.metrics, state.never_finite) == (0, 0, {}, frozenset())


def test_what_is_not_finite_from_the_start_is_remembered() -> None:
    assert state_of(Masked()).never_finite == {"mask"}


def test_store_and_optimizer_are_those_of_the_mode() -> None:
    state = state_of()
    assert state.store is state.mode.train_step.store
    assert state.optimizer is state.mode.train_step.optimizer
