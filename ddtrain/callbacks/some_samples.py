"""A model on a few samples, on rank 0 alone: what callbacks do that look at more than figures.

The model has the present values, in evaluation mode, and no other ranks to talk to: outside of a step there is no
communicator. So whether it is looked at changes no bit, and other ranks wait for no more than the time that it takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.callbacks.callback import Watched
from ddtrain.data import batch_of


def batch_for(run: Watched, samples: int) -> tuple[Any, tuple[Any, ...]]:
    """Positions and batch of some samples for validation, or for training where there are none, evenly spread."""
    data = run.task.train if run.task.valid is None else run.task.valid
    count = min(samples, len(data))
    rows = np.arange(count) * len(data) // count
    return rows, batch_of(data, rows, run.config.run.dtype)


def call_loss(run: Watched, batch: tuple[Any, ...], watcher: Any) -> None:
    """Let the task's loss call the model on a batch, and ``watcher`` be told of the calls of all of its modules."""
    model = run.model
    model.run.watcher = watcher
    with np.errstate(all="ignore"):
        run.task.loss(model, *batch)
