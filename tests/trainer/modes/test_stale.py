"""Stale: the loop that applies the gradient before, which leaves out those of bad batches and no others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mode_runs import PLAIN, STEPS, Sum, farthest, gradient, plain_config, take_steps

from ddtrain import data
from ddtrain.comm import Communicator
from ddtrain.errors import NonFiniteError
from ddtrain.trainer.config.config import Clip, Comm, NonFinite, Optim, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import Plain, make_task, sgd_config
from worlds import World


def test_stale_is_the_loop_that_applies_the_gradient_before(world: Any) -> None:
    x, late, expected = make_task(Plain()).model.init(0, "float64"), None, []
    for step in range(STEPS):
        g = gradient(x, step)
        if late is not None:
            x = {name: x[name] - PLAIN.lr * late[name] for name in x}
        late = g
        expected.append(x)
    for got in world.run(lambda comm: take_steps(comm, plain_config(mode="stale"))):
        assert farthest(got, expected) < 1e-12


def applied_by(comm: Communicator, mode: Any, xs: Any, factors: Any, nonfinite: Any = "skip") -> tuple[Any, ...]:
    """What batches of two equal samples come to: the sum of gradients that were applied, samples seen, steps skipped.

    The gradient of a batch is its x; its loss is that of the model, 0 at first, times a constant factor of its own.
    """
    x = np.repeat(np.stack([xs, factors], axis=1), 2, axis=0)
    loss = lambda model, x: (model(x) + x[:, 1], {})
    told = sgd_config(
        batch_size=2,
        run=Run(dtype="float64"),
        nonfinite=NonFinite(nonfinite),
        optim=Optim(name="sgd", lr=1.0, momentum=0.0),
        clip=Clip(norm=0.0),
        comm=Comm(mode=mode),
    )
    train_step = build_step(comm, Task(Sum(), loss, data.ArrayData(x)), told)
    mode, coordinator = make_mode(train_step, told.comm), Coordinator(told, train_step.control_comm, len(xs))
    for step in range(len(xs)):
        totals = mode.gradients(step, np.arange(2 * step, 2 * step + 2))
        mode.apply(coordinator.decide(step, totals, mode.square_norm()))
    return -float(train_step.store.values[0]), float(train_step.store.state[0]), comm.rank == 0 and coordinator.skipped


@pytest.mark.parametrize(
    ("xs", "constants"),
    [
        ([1, 10, np.nan, 100, 0, 0], [0] * 6),  # loss and gradient
        ([1, 10, 1000, 100, 0, 0], [0, 0, np.inf, 0, 0, 0]),  # a loss whose gradient is finite
        ([1, 10, 1000, 1000, 100, 0], [0, 0, np.nan, np.nan, 0, 0]),
        ([1000, 1, 10, 100, 0], [np.nan, 0, 0, 0, 0]),  # the first
    ],
    ids=["both", "loss", "two", "first"],
)
def test_stale_leaves_out_the_bad_batches_and_no_others(world: Any, xs: Any, constants: Any) -> None:
    bad = sum(not np.isfinite(x * c) for x, c in zip(xs, np.array(constants) + 1.0, strict=True))
    for mode in ("sync", "stale"):
        found = world.run(lambda comm, mode=mode: applied_by(comm, mode, xs, constants))
        assert {applied for applied, _, _ in found} == {111.0}
        assert {seen for _, seen, _ in found} == {2.0 * (len(xs) - bad)}
        assert found[0][2] == bad


def test_stale_stops_at_the_step_whose_loss_is_not_finite() -> None:
    with pytest.raises(NonFiniteError, match="loss is nan") as caught:
        World("threads:2").run(lambda comm: applied_by(comm, "stale", [1, 1, 1, 1], [0, 0, np.nan, 0], "stop"))
    assert caught.value.place["step"] == 3
