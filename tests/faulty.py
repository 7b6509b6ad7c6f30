"""A tiny job that goes wrong where it is told to: ``mpirun -n 3 python faulty.py --fault.kind exception``.

The loss function is the place, because it is the user's: it knows the rank, and the step from its random numbers.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ddtrain.numpy as np
import helpers
from ddtrain import data, nn, ops
from ddtrain.comm import launcher
from ddtrain.errors import DataError
from ddtrain.recipes import RECIPES as REAL
from ddtrain.trainer import stop_signals
from ddtrain.trainer.config.config import Checkpoint, Config, Data, Evaluation, Optim, Run, Schedule
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.task import Task

SAMPLE = 5  # the sample with which --fault.kind log goes wrong


@dataclass(frozen=True)
class Fault:
    """What goes wrong."""

    kind: str = ""
    """A function of this module, or a name in make_loss and build; empty: nothing."""
    rank: int = 1
    """Where."""
    step: int = 6
    """When, counted from 0."""
    until: int = 1000
    """When fill_disk makes room again."""


@dataclass(frozen=True)
class Job(Config):
    """Six epochs of four steps."""

    run: Run = Run(epochs=6)
    checkpoint: Checkpoint = Checkpoint(every=5)
    eval: Evaluation = Evaluation(every=2)
    data: Data = Data(batch_size=7)
    optim: Optim = Optim(name="adamw", lr=0.01, weight_decay=0.1)
    schedule: Schedule = Schedule(name="cosine", warmup_steps=3)
    fault: Fault = Fault()


def exception(settings: Job) -> None:
    raise RuntimeError("the model is wrong")


def background(settings: Job) -> None:
    """An exception outside the main thread."""
    thread = threading.Thread(target=lambda: [][1], name="prefetch")
    thread.start()
    thread.join()


def exit_0(settings: Job) -> None:
    sys.exit(0)


def kill(settings: Job) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminate(settings: Job) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def terminate_twice(settings: Job) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(stop_signals.SAME_REQUEST_S + 0.1)
    os.kill(os.getpid(), signal.SIGTERM)


def signal_mpirun(settings: Job) -> None:
    """SIGUSR1 to mpirun, as by its user; go on when this rank has it."""
    os.kill(int(os.environ[helpers.LAUNCHER_PID]), signal.SIGUSR1)
    until = time.monotonic() + 20
    while not stop_signals.stop_requested() and time.monotonic() < until:
        time.sleep(0.001)


def stop_file(settings: Job) -> None:
    Path(settings.run.dir, "STOP").touch()
    time.sleep(0.6)  # rank 0 looks for the file twice a second


def filler(settings: Job) -> Path:
    return Path(settings.run.dir).with_name("filler")


def fill_disk(settings: Job) -> None:
    """Leave no room where the run's directory is."""
    with filler(settings).open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def stray_call(settings: Job) -> None:
    """A collective that no other rank calls, where each of them waits in another."""
    comm: Any = ops.communicator()
    comm.comm.duplicate().allreduce(np.zeros(3))


def make_loss(settings: Job) -> Callable[..., Any]:
    fault = settings.fault

    def loss(model: Any, x: Any, y: Any) -> Any:
        comm, rng = ops.communicator(), model.run.rng
        rank, step = comm.rank if comm else 0, rng.step if rng else -1
        here = (rank, step) == (fault.rank, fault.step)
        if here and fault.kind in globals():
            globals()[fault.kind](settings)
        if (rank, step) == (fault.rank, fault.until):
            filler(settings).unlink()
        losses, metrics = helpers.loss(model, x, y)
        if fault.kind == "nan" and here:
            losses = losses * np.nan
        elif fault.kind == "log":
            losses = losses + np.log(x[:, -1] + 0 * losses)
        elif fault.kind == "sqrt" and step == fault.step:
            losses = losses + 0 * np.sqrt(0 * losses)  # 0, with the derivative 0 * infinity
        return losses, metrics

    return loss


class Uneven(helpers.Net):
    """A model whose initial values depend on the process."""

    def __init__(self) -> None:
        super().__init__()
        rank = launcher().rank
        self.shift = nn.param((3,), lambda generator, shape: np.zeros(shape) + (rank == 1))


def build(settings: Job) -> Task:
    kind, rank = settings.fault.kind, launcher().rank
    if kind == "pickle":
        data.read_npz(settings.data.root, {"x": ("float32", ("N", 6))})
    if kind == "shard" and rank == 1:
        raise DataError("shard-1.bin: cannot be read: No such file or directory")
    task = helpers.make_task(dtype=settings.run.dtype, samples=helpers.SAMPLES + (kind == "samples" and rank == 1))
    if kind == "parameters":
        task = replace(task, model=Uneven())
    if kind == "log":
        x, y = task.train.arrays
        x = abs(x) + 1
        x[SAMPLE, -1] = -1
        task = replace(task, train=data.ArrayData(x, y))
    return replace(task, loss=make_loss(settings))


RECIPES = {"faulty": Recipe(Job(), build, "a tiny net that goes wrong"), **REAL}

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], RECIPES))
