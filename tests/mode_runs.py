"""Steps in a mode, and the loop that knows nothing of modes, for tests that hold one against the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain import data, grad, nn
from ddtrain.comm import Communicator
from ddtrain.trainer.config.config import Clip, Comm, Config, Optim
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.setup import build_step
from helpers import Plain, make_task, sgd_config

PLAIN = Optim(name="sgd", lr=0.05, momentum=0.0)
STEPS = 9  # two epochs of 4 steps, each with a last batch of 2 samples, fewer than three ranks, and one step more


def take_steps(comm: Communicator, config: Config, model: Any = Plain, steps: int = STEPS) -> list[dict[str, Any]]:
    """The parameters that the run shows after each step."""
    task = make_task(model())
    train_step = build_step(comm, task, config)
    mode, samples, size = make_mode(train_step, config.comm), len(task.train), config.data.batch_size
    coordinator, shown = Coordinator(config, comm, data.steps_per_epoch(samples, size)), []
    for step in range(steps):
        epoch, offset = data.position(step, samples, size)
        rows = data.batches(config.run.seed, epoch, samples, size)[offset]
        totals = mode.gradients(step, rows)
        mode.apply(coordinator.decide(step, totals, mode.square_norm()))
        with mode.consolidated():
            shown.append({name: x.copy() for name, x in train_step.store.tensors.items()})
    return shown


def farthest(a: Sequence[dict[str, Any]], b: Sequence[dict[str, Any]]) -> float:
    assert len(a) == len(b)
    return max(float(np.abs(x[name] - y[name]).max()) for x, y in zip(a, b, strict=True) for name in x)


def plain_config(**comm: Any) -> Config:
    """Plain gradient descent without clipping, in the mode that ``comm`` says."""
    return sgd_config(optim=PLAIN, comm=Comm(**comm), clip=Clip(norm=0.0))


def gradient(values: dict[str, Any], step: int) -> dict[str, Any]:
    """Of the mean loss of a step's batch."""
    task = make_task(Plain())
    epoch, offset = data.position(step, len(task.train), 7)
    batch = task.train.batch(data.batches(0, epoch, len(task.train), 7)[offset])
    return dict(grad(lambda x: task.loss(task.model.bind(x, training=True), *batch)[0].mean())(values))


class Sum(nn.Module):
    """A loss linear in one weight, with a buffer that counts samples: what was applied, and seen, adds up."""

    def __init__(self) -> None:
        self.w = nn.param((), nn.init.zeros)
        self.seen = nn.buffer((), nn.init.zeros, reduce="sum")

    def forward(self, x: Any) -> Any:
        self.update(seen=self.seen + len(x))
        return x[:, 0] * self.w
