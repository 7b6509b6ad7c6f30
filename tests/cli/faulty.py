"""A tiny job that goes wrong where it is told to: ``mpirun -n 3 python faulty.py --fault.kind exception --fault.rank 2``.

The loss function is the place, because it is the user's: it knows the rank, and the step from its random numbers.
"""

from __future__ import annotations

import os
import signal
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
from ddtrain.trainer import requests
from ddtrain.trainer.config import Config, Data, Optim, Run, Schedule
from ddtrain.trainer.main import Recipe, main
from ddtrain.trainer.task import Task

SAMPLE = 5  # the sample with which --fault.kind log goes wrong


@dataclass(frozen=True)
class Fault:
    """What goes wrong."""

    kind: str = ""
    """A key of FAULTS or BUILDS; empty: nothing."""
    rank: int = 1
    """Where, if it is not everywhere."""
    step: int = 6
    """When, counted from 0."""


@dataclass(frozen=True)
class Job(Config):
    """Six epochs of four steps."""

    run: Run = Run(epochs=6, checkpoint_every=5, eval_every=2)
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
    raise SystemExit(0)


def kill(settings: Job) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminate(settings: Job) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def user_signal(settings: Job) -> None:
    """SIGUSR1 to mpirun, whose process is that of helpers.launch: wait until it has reached this rank, too."""
    os.kill(int(os.environ["LAUNCHER_PID"]), signal.SIGUSR1)
    until = time.monotonic() + 20
    while not requests.pending() and time.monotonic() < until:
        time.sleep(0.001)


def stop_file(settings: Job) -> None:
    Path(settings.run.dir, "STOP").touch()
    time.sleep(0.6)  # rank 0 looks for the file twice a second


def stray_call(settings: Job) -> None:
    """One collective more than the other ranks make."""
    comm = ops.communicator()
    assert comm is not None
    comm.allreduce(np.zeros(3))


FAULTS: dict[str, Callable[[Job], None]] = {
    f.__name__: f for f in (exception, background, exit_0, kill, terminate, user_signal, stop_file, stray_call)
}


def make_loss(settings: Job) -> Callable[..., Any]:
    fault = settings.fault

    def loss(model: Any, x: Any, y: Any) -> Any:
        comm, rng = ops.communicator(), model.run.rng
        step, rank = rng.step if rng else -1, comm.rank if comm else 0
        here = rank == fault.rank and step == fault.step
        if here and fault.kind in FAULTS:
            FAULTS[fault.kind](settings)
        losses, metrics = helpers.loss(model, x, y)
        if fault.kind == "nan" and here:
            losses = losses * np.nan
        if fault.kind == "log" and step == fault.step:
            losses = losses + np.log(x[:, -1])
        if fault.kind == "sqrt" and step == fault.step:
            losses = losses + 0 * np.sqrt(0 * losses)  # a sound 0, whose derivative is 0 * infinity
        return losses, metrics

    return loss


class Uneven(helpers.Net):
    """A model that each process initialises in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(10, helpers.CLASSES)
        rank = launcher().rank
        self.shift = nn.param((3,), lambda generator, shape: generator.standard_normal(shape) + (rank == 1))


def build(settings: Job) -> Task:
    kind = settings.fault.kind
    task = helpers.make_task(dtype=settings.run.dtype, samples=helpers.SAMPLES + (kind == "samples") * launcher().rank)
    if kind == "parameters":
        task = replace(task, model=Uneven())
    if kind == "log":
        x, y = task.train.arrays
        x = abs(x) + 1
        x[SAMPLE, -1] = -1
        task = replace(task, train=data.ArrayData(x, y))
    return replace(task, loss=make_loss(settings))


RECIPES = {"faulty": Recipe(Job(), build, "a tiny net that goes wrong")}

if __name__ == "__main__":
    main(build, Job())
