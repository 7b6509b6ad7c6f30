"""Small jobs that many tests train, in this process or in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain import data, nn
from ddtrain.recipes.common import classify as loss
from ddtrain.trainer.config.config import Clip, Config, Data, Optim, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from processes import run_group
from worlds import mpirun

SAMPLES, FEATURES, CLASSES = 23, 6, 4
FAULTY = str(
    Path(__file__).with_name("faulty.py")
)  # python FAULTY [RECIPE] ...: as ddtrain.train, with a faulty recipe
TRAIN = "-mddtrain.train"
LAUNCHER_PID = "LAUNCHER_PID"  # environment variable: the process of mpirun, for those who want to signal it
HANG_S = 30  # a job of a few steps that is still alive then hangs


class Net(nn.Module):
    """A perceptron with batch-norm and dropout, small enough for thousands of steps."""

    def __init__(self, sync: bool = True, dropout: float = 0.2) -> None:
        self.first = nn.Linear(FEATURES, 10)
        self.norm = nn.BatchNorm(10, sync=sync)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(10, CLASSES)

    def forward(self, x: Any) -> Any:
        return self.head(self.dropout(nn.functional.relu(self.norm(self.first(x)))))


class Plain(nn.Module):
    """A perceptron without batch-norm: its ranks meet nowhere but where gradients and decisions are exchanged."""

    def __init__(self) -> None:
        self.first = nn.Linear(FEATURES, 10)
        self.head = nn.Linear(10, CLASSES)

    def forward(self, x: Any) -> Any:
        return self.head(nn.functional.tanh(self.first(x)))


def make_task(model: nn.Module | None = None, dtype: Any = np.float64, samples: int = SAMPLES) -> Task:
    """Samples whose mean depends on their number, so that every shard is different."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((samples, FEATURES)) + np.arange(samples)[:, None] / 5).astype(dtype)
    y = rng.integers(0, CLASSES, samples)
    return Task(model or Net(), loss, data.ArrayData(x, y), data.ArrayData(x[::2], y[::2]))


def sgd_config(batch_size: int = 7, dtype: str = "float64", **sections: Any) -> Config:
    """SGD, because Adam hides a gradient that is wrong by a factor."""
    defaults: dict[str, Any] = {
        "run": Run(dtype=dtype, epochs=1000),  # type: ignore[arg-type]
        "data": Data(batch_size=batch_size),
        "optim": Optim(name="sgd", lr=0.05, momentum=0.9, weight_decay=1e-3),
        "clip": Clip(norm=1.0),
    }
    return Config(**(defaults | sections))


def train(comm: Any, steps: int = 20, config: Config | None = None, task: Task | None = None) -> dict[str, Any]:
    """Take ``steps`` steps; tensors, losses, accuracies and norms as plain lists, comparable between ranks."""
    config, task = config or sgd_config(), task or make_task()
    train_step = build_step(comm, task, config)
    mode, samples, batch_size = make_mode(train_step, config.comm), len(task.train), config.data.batch_size
    coordinator = Coordinator(config, train_step.control_comm, data.steps_per_epoch(samples, batch_size))
    means = []
    for step in range(steps):
        epoch, offset = data.position(step, samples, batch_size)
        rows = data.batches_of(task.train, seed=config.run.seed, epoch=epoch, batch_size=batch_size)[offset]
        totals = mode.gradients(step, rows)
        control = coordinator.decide(step, totals, mode.square_norm())
        mode.apply(control)
        means.append({**totals.means(), "norm": control.grad_norm})
    with mode.consolidated():
        return {"means": means, "tensors": {name: x.copy() for name, x in train_step.store.tensors.items()}}


def largest_difference(a: dict[str, Any], b: dict[str, Any]) -> float:
    """Of two results of :func:`train`, over all tensors and figures."""
    return max(
        max(float(np.abs(a["tensors"][name] - b["tensors"][name]).max()) for name in a["tensors"]),
        max(abs(x[k] - y[k]) for x, y in zip(a["means"], b["means"], strict=True) for k in x),
    )


def launch(
    ranks: int, *args: str, cwd: Path, program: str = FAULTY, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, under mpirun or, with 0 ranks, without."""
    start = ["sh", "-c", f'{LAUNCHER_PID}=$$ exec "$0" "$@"', mpirun(), "-n", str(ranks)] if ranks else []
    command = [*start, sys.executable, program, *args]
    environ = {**os.environ, LAUNCHER_PID: "", "OPENBLAS_NUM_THREADS": "1", **environ}
    return run_group(command, HANG_S, environ, cwd)
