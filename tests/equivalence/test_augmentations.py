"""Every augmentation in a run: N ranks are one rank, shards give the same bits, resumed is never stopped.

``tests/data/augment/test_every_augmentation.py`` has the batches that they make; this has what becomes of them: the
epoch and the places that a run asks for, pieces of a share, and a start in the middle of an epoch.
"""

# N samples, H height, W width, C channels
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from part_examples import AUGMENTATIONS as TEXTS
from part_runs import check

from ddtrain import nn, ops
from ddtrain.data.augment import AUGMENTATIONS, Augment
from ddtrain.parts import register
from ddtrain.trainer.config.config import Data
from ddtrain.trainer.task import Task
from helpers import CLASSES, SAMPLES

R = np.random.default_rng(0)
IMAGES, LABELS = R.standard_normal((SAMPLES, 5, 4, 3)), R.integers(0, CLASSES, SAMPLES)


def found(text: str) -> dict[str, Any]:
    model = nn.Sequential(nn.Flatten(), nn.Linear(60, CLASSES))
    task = Task(model, lambda model, x, y: ops.cross_entropy(model(x), y), (IMAGES, LABELS))
    return check(task, data=Data(batch_size=7, augment=text))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_n_ranks_are_one_rank(name: str) -> None:
    augmented, plain = found(TEXTS.get(name, name)), found("")
    assert not np.array_equal(augmented["1.weight"], plain["1.weight"]), "it does something"


@dataclass(frozen=True)
class ByPlace(Augment):
    """A mutation: noise that goes by the place among the samples of one rank."""

    name: str = "by_place"

    def images(self, x_NHWC: Any, draws: Any) -> Any:
        return x_NHWC + np.random.default_rng(draws.epoch).random(x_NHWC.shape).astype(x_NHWC.dtype)


@pytest.fixture
def by_place() -> Iterator[str]:
    register(ByPlace)
    yield "by_place"
    del Augment.parts["by_place"]


def test_noise_of_a_place_is_noticed(by_place: str) -> None:
    with pytest.raises(AssertionError):
        found(by_place)
