"""Every loss in a run: N ranks are one rank, shards give the same bits, resumed is never stopped.

What would make these fail: a mean over the samples that are there, a loss that fails on none of them, a weight that is
divided by its sum over the batch.
"""

# N samples, K outputs
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from part_runs import check

import ddtrain.numpy as dnp
from ddtrain import data, nn
from ddtrain.ops.losses import LOSSES, Loss
from ddtrain.trainer.task import Task
from helpers import CLASSES, FEATURES, SAMPLES

R = np.random.default_rng(0)
X = R.standard_normal((SAMPLES, FEATURES))
LABELS, SIGNS = R.integers(0, CLASSES, SAMPLES), R.choice([-1, 1], (SAMPLES, CLASSES))
SHARES, VALUES = R.dirichlet(np.ones(CLASSES), SAMPLES), R.standard_normal((SAMPLES, CLASSES))
TARGETS: dict[str, Any] = {  # of each loss, and options that are not its defaults
    "cross_entropy": (
        {"weight": (1.0, 2.0, 0.5, 0.25), "label_smoothing": 0.1, "ignore_index": -1},
        np.where(LABELS == 2, -1, LABELS),
    ),
    "binary_cross_entropy": ({"pos_weight": 2.0}, (SIGNS > 0).astype(int)),
    "binary_hinge": ({"margin": 0.5}, SIGNS),
    "hinge": ({"margin": 0.5}, LABELS),
    "crammer_singer": ({"margin": 0.5}, LABELS),
    "kl_divergence": ({}, SHARES),
    "logistic": ({}, SIGNS),
    "contrastive": ({"margin": 2.0}, LABELS % 2),
    "triplet": ({"margin": 2.0}, None),
    "squared": ({}, VALUES),
    "absolute": ({}, VALUES),
    "huber": ({"delta": 0.5}, VALUES),
}
INPUTS = {"contrastive": 2, "triplet": 3}  # embeddings that a loss takes; others take one array of outputs


def task_of(loss: Any, targets: Any = None, inputs: int = 1) -> Task:
    def losses(model: nn.Module, *batch: Any) -> Any:
        outputs = tuple(model(batch[0] + 0.5 * k * batch[0] ** 2) for k in range(inputs))
        return loss(outputs if inputs > 1 else outputs[0], batch[1] if len(batch) > 1 else None)

    arrays = (X,) if targets is None else (X, targets)
    return Task(nn.Linear(FEATURES, CLASSES), losses, arrays, data.ArrayData(*(x[::2] for x in arrays)))


@pytest.mark.parametrize("name", LOSSES)
def test_n_ranks_are_one_rank(name: str) -> None:
    assert name in TARGETS, f"{name} has no line in TARGETS"
    options, targets = TARGETS[name]
    found = check(task_of(Loss(name=name, **options), targets, INPUTS.get(name, 1)))
    assert found["loss of step 1"] > 0


def test_a_loss_that_weights_by_those_that_are_there_is_noticed() -> None:
    def by_share(outputs: Any, labels: Any) -> Any:
        return dnp.sum(outputs**2, axis=1) / max(1, len(labels))

    with pytest.raises(AssertionError):
        check(task_of(by_share, LABELS))
