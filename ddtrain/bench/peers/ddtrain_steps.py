"""ddtrain's own contestants: the whole step of the trainer, and the eager forward and backward passes alone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.autodiff import record, walk_back
from ddtrain.bench.workloads import Workload
from ddtrain.comm import Communicator
from ddtrain.data import batch_of
from ddtrain.ops import use_communicator
from ddtrain.optim import Sgd
from ddtrain.trainer.config.config import Config, Data, Run
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.records.run_records import RunRecords
from ddtrain.trainer.task import Task

OPTIM = Sgd(lr=0.01, momentum=0.9)
_ENOUGH = 1_000_000  # so many epochs that no measured step is the last one


class Ours:
    """One rank's trainer, and what it is compared with."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.model_comm = trainer.train_step.model_comm
        self.count = trainer.batch_size
        first, last = data.shard_bounds(self.count, trainer.comm.rank, trainer.comm.size)
        self.batch = batch_of(trainer.task.train, np.arange(first, last), trainer.store.dtype)

    def step(self) -> dict[str, float]:
        """A step as the trainer takes it: loader, binding, sinks, reduction, decision, update, log and console."""
        started = perf_counter()
        self.trainer.take_step()
        return {"step": perf_counter() - started, **self.trainer.train_step.timer.seconds}

    def loss(self) -> float:
        """Mean loss of the last step's batch, as the log has it; on rank 0."""
        log = self.trainer.records.metrics
        log.flush()
        return float(json.loads(log.path.read_text().splitlines()[-1])["loss"])

    def tensors(self) -> dict[str, Any]:
        """Parameters and buffers by path."""
        return self.trainer.store.tensors

    def eager(self) -> dict[str, float]:
        """Forward and backward on one batch and nothing else: the model is bound before the clock starts."""
        store, task, started = self.trainer.store, self.trainer.task, 0.0

        def losses_of(*parameters: Any) -> Any:
            nonlocal started
            model = task.model.bind(store.with_parameters(parameters), training=True)
            started = perf_counter()
            losses, _ = task.loss(model, *self.batch)
            return losses

        with use_communicator(self.model_comm):
            losses_N, tape, end = record(losses_of, store.value_views)
            walk_back(tape, end, np.full(losses_N.shape, 1 / self.count, losses_N.dtype), keep=False)
            return {"eager": perf_counter() - started}


@contextmanager
def ours(comm: Communicator, name: str, workload: Workload, shards: int = 0, batch: int = 0) -> Iterator[Ours]:
    """A trainer of the workload. Collective.

    ``batch`` is that of all ranks together; 0: the workload's, on each of them.
    """
    batch_size = batch or workload.batch * comm.size
    config = Config(run=Run(shards=shards), data=Data(batch_size=batch_size), optim=OPTIM)
    with training(comm, name, config, workload.task(comm.size)) as trainer:
        yield Ours(trainer)


@contextmanager
def training(comm: Communicator, name: str, config: Config, task: Task) -> Iterator[Trainer]:
    """A trainer whose run outlasts a measurement; its directory and console are removed afterwards. Collective."""
    config = config.updated({"run": {"epochs": _ENOUGH, "steps": 0}, "plan": {"compile_after": 0}})
    # Every rank has a directory, and only rank 0's is written to.
    with tempfile.TemporaryDirectory(prefix="ddtrain-bench-") as directory, tempfile.TemporaryFile("w") as console:
        records = RunRecords(comm, config, name, Path(directory), None, task, stream=console)
        try:
            trainer = Trainer(comm, config, task)
            trainer.records = records
            yield trainer
        finally:
            records.metrics.close()
