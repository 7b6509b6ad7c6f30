"""Evaluation: every sample once, whatever the number of ranks; sums are added over ranks, then divided."""

from __future__ import annotations

import numpy as np

from ddtrain.comm.protocol import Communicator
from ddtrain.data import shard
from ddtrain.ops import use_communicator
from ddtrain.store import ParamStore
from ddtrain.trainer.task import Task
from ddtrain.trainer.totals import Totals

ROWS = 256  # samples a rank handles at once: bounds memory, and keeps matrix products large


def evaluate(task: Task, store: ParamStore, comm: Communicator, model_comm: Communicator) -> dict[str, float]:
    """Mean loss and metrics over the validation set, with derived figures.

    Ranks without samples take part: they walk the same number of batches, so collectives inside the model match.
    Running statistics are rank 0's: those of an unsynchronised batch-norm differ between ranks.
    """
    assert task.valid is not None, "a task without validation data has nothing to evaluate"
    comm.broadcast(store.state)
    model = task.model.bind(store.tensors)
    totals, n = Totals(), len(task.valid)
    with use_communicator(model_comm):
        for start in range(0, n, ROWS * comm.size):
            rows = np.arange(start, min(start + ROWS * comm.size, n))
            losses, metrics = task.loss(model, *task.valid.batch(shard(rows, comm.rank, comm.size)))
            totals.add(losses, metrics)
    vector = totals.pack()
    comm.allreduce(vector)
    means = totals.unpack(vector).means()
    return means | {name: figure(means) for name, figure in task.derived.items()}
