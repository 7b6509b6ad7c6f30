"""The trial of the samples with the outermost labels; ``tests/cli/test_bad_parts.py`` has what a user sees of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn, ops
from ddtrain.data import ArrayData
from ddtrain.errors import UsageError
from ddtrain.trainer.evaluation.trial_samples import try_extremes
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import sgd_config

R = np.random.default_rng(0)
X, LABELS = R.standard_normal((23, 6)), R.integers(0, 4, 23)
LABELS[17] = 4


def losses(model: Any, x: Any, y: Any) -> Any:
    return ops.cross_entropy(model(x), y)


def tried(comm: Any, **changes: Any) -> None:
    task = Task(**{"model": nn.Linear(6, 4), "loss": losses, "train": (X, LABELS)} | changes)
    try_extremes(task, build_step(comm, task, sgd_config()).store, comm)


def test_all_ranks_say_which_sample_it_is(world: Any) -> None:
    def body(comm: Any) -> UsageError:
        with pytest.raises(UsageError) as caught:
            tried(comm)
        return caught.value

    for error in world.run(body):
        assert error.message.startswith("the training data: cross_entropy: label 4")
        assert error.place["sample"] == 17


def test_what_fits_passes(world: Any) -> None:
    world.run(lambda comm: tried(comm, model=nn.Linear(6, 5), valid=ArrayData(X, LABELS)))
    world.run(lambda comm: tried(comm, train=(X[:17], LABELS[:17])))


def test_a_data_set_that_does_not_name_its_extremes_is_not_tried(world: Any) -> None:
    class Silent:
        def __len__(self) -> int:
            return 23

        def batch(self, indices: Any) -> Any:
            return X[indices], LABELS[indices]

    world.run(lambda comm: tried(comm, train=Silent()))


def test_other_errors_are_left_to_the_step_that_has_their_place(world: Any) -> None:
    def broken(model: Any, x: Any, y: Any) -> Any:
        raise ZeroDivisionError

    world.run(lambda comm: tried(comm, loss=broken))
