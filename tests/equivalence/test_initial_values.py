"""Every initializer in a run: values go by the parameter's path, so that all ranks draw those of one rank.

What would make these fail: a generator that ranks share, or that goes on from one parameter to the next; values that
are drawn in the run's type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from part_runs import check

from ddtrain import nn, ops
from ddtrain.nn.init import INITIALIZERS
from ddtrain.trainer.config.config import Initial
from ddtrain.trainer.step.setup import drawn_values
from ddtrain.trainer.task import Task
from helpers import CLASSES, SAMPLES, sgd_config
from worlds import World

R = np.random.default_rng(0)
IMAGES, LABELS = R.standard_normal((SAMPLES, 5, 4, CLASSES)), R.integers(0, CLASSES, SAMPLES)
OPTIONS = {"constant": "constant(value=0.1)"}  # of those that do nothing without


def net(*first: nn.Module) -> nn.Module:
    """As many channels everywhere, so that there is an identity of every weight."""
    c = CLASSES
    last = nn.Conv2d(c, c, 3, padding=1), nn.Tanh(), nn.GlobalAvgPool2d(), nn.Linear(c, c)
    return nn.Sequential(nn.Sequential(*first), nn.Sequential(*last))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_n_ranks_are_one_rank(name: str) -> None:
    init = Initial(OPTIONS.get(name, name))
    task = Task(net(), lambda model, x, y: ops.cross_entropy(model(x), y), (IMAGES, LABELS))
    check(task, init=init)

    def drawn(comm: Any, model: nn.Module = task.model, dtype: str = "float64") -> dict[str, Any]:
        return drawn_values(model, sgd_config(dtype=dtype, init=init))

    (alone,) = World("local").run(drawn)
    larger = net(nn.Linear(CLASSES, CLASSES), nn.Linear(CLASSES, CLASSES))
    for found in World("threads:3").run(lambda comm: drawn(comm, larger)):
        assert all(np.array_equal(found[path], x) for path, x in alone.items()), "whatever else is drawn"
    assert all(np.array_equal(x, alone[path].astype(np.float32)) for path, x in drawn(None, dtype="float32").items())
