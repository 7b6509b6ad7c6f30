"""``--init.weights`` and ``--data.augment`` in a run: what they do, and the same on any ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.trainer.config.config import Config, Data, Initial, Run
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.task import Task
from worlds import World


def task() -> Task:
    x = np.random.default_rng(0).standard_normal((12, 4, 4, 1))
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    return Task(model, lambda model, x: (model(x) ** 2).sum(axis=1), train=(x,))


def trained(comm: Any, augment: str = "", weights: str = "") -> Any:
    config = Config(
        run=Run(dtype="float64", epochs=5, shards=3),
        data=Data(batch_size=6, augment=augment),
        init=Initial(weights=weights),
    )
    trainer = Trainer(comm, config, task())
    first, last = trainer.store.values.copy(), []
    for step in range(3):
        trainer.mode.gradients(step, np.arange(6))
        last.append(trainer.mode.square_norm())
        trainer.mode.wait_for_node()
    return first, last


def test_weights_begin_as_the_rule_says_and_biases_as_declared() -> None:
    declared, chosen = (trained(LocalCommunicator(), weights=rule)[0] for rule in ("", "constant(value=0.5)"))
    np.testing.assert_array_equal(chosen[:3], declared[:3])  # the bias lies first
    np.testing.assert_array_equal(chosen[3:], 0.5)


@pytest.mark.parametrize("augment", ["", "flip, noise(std=0.5)"])
def test_ranks_change_no_bit(augment: str) -> None:
    alone = trained(LocalCommunicator(), augment, "he_normal")
    for first, norms in World("threads:3").run(lambda comm: trained(comm, augment, "he_normal")):
        np.testing.assert_array_equal(first, alone[0])
        assert norms == alone[1]


def test_augmentation_changes_what_is_trained_on() -> None:
    assert trained(LocalCommunicator(), "noise(std=0.5)")[1] != trained(LocalCommunicator())[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"augment": "flpi"}, r"--data.augment 'flpi': there is no augment 'flpi'"),
        ({"weights": "he_norml"}, r"there is no init 'he_norml'"),
        ({"weights": "conv*: he_normal"}, r"no weight's path matches 'conv\*'"),
    ],
)
def test_mistakes_are_said_before_the_first_step(options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        trained(LocalCommunicator(), **options)
