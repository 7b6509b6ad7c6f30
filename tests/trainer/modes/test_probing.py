"""Gradients of another point: where they are taken, that nothing of the way there is left, and on any ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.optim import Nesterov, Optim, RmsPropNesterov, Sam, Sgd
from ddtrain.trainer.config import validate
from ddtrain.trainer.config.config import Clip, Comm, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.task import Task
from helpers import largest_difference, make_task, sgd_config, train
from worlds import World

LR, STEPS = 0.1, 6
METHODS = [Nesterov(momentum=0.8, weight_decay=0.1), Sam(rho=0.3, weight_decay=0.1), RmsPropNesterov(rho=0.9, eps=1e-3)]


class Point(nn.Module):
    """Two parameters and nothing else."""

    def __init__(self) -> None:
        self.x = nn.param((2,), lambda generator, shape: np.array([2.0, -1.0]))

    def forward(self, curvature: Any) -> Any:
        return (curvature * self.x * self.x).sum(axis=1) / 2


CURVATURE = np.array([[1.0, 4.0]])


def trajectory(method: Optim, steps: int = STEPS) -> list[np.ndarray]:
    """The values of a quadratic's parameters after every step."""
    task = Task(Point(), lambda model, c: model(c), train=(CURVATURE,))
    config = sgd_config(batch_size=1, optim=method)
    train_step = build_step(LocalCommunicator(), task, config)
    mode, found = make_mode(train_step, config.comm), []
    for step in range(steps):
        before = train_step.store.values.copy()
        mode.gradients(step, np.arange(1))
        np.testing.assert_array_equal(train_step.store.values, before, "moved back, bit for bit")
        mode.apply(StepControl(lr=LR, scale=1.0, grad_norm=1.0))
        found.append(train_step.store.values.copy())
    return found


def gradient(x: np.ndarray) -> np.ndarray:
    return CURVATURE[0] * x


def spelled_out(method: Any) -> list[np.ndarray]:
    x, found = np.array([2.0, -1.0]), []
    v = square = np.zeros(2)
    for _ in range(STEPS):
        if isinstance(method, Sam):
            g = gradient(x)
            v = method.momentum * v + gradient(x + method.rho * g / np.linalg.norm(g)) + method.weight_decay * x
            x = x - LR * v
        elif isinstance(method, Nesterov):
            ahead = x + method.momentum * v
            v = method.momentum * v - LR * (gradient(ahead) + method.weight_decay * ahead)
            x = x + v
        else:
            g = gradient(x + method.momentum * v)
            square = method.rho * square + (1 - method.rho) * g * g
            v = method.momentum * v - LR * g / (np.sqrt(square) + method.eps)
            x = x + v
        found.append(x)
    return found


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_gradients_are_those_of_the_point_that_the_formula_names(method: Any) -> None:
    np.testing.assert_allclose(trajectory(method), spelled_out(method), rtol=1e-12)


def test_nesterovs_look_ahead_points_are_what_pytorch_calls_the_values() -> None:
    momentum, points = 0.8, trajectory(Nesterov(momentum=0.8))
    velocities = np.diff([np.array([2.0, -1.0]), *points], axis=0)
    pytorch = trajectory(Sgd(momentum=momentum, nesterov=True))
    np.testing.assert_allclose(np.array(points) + momentum * velocities, pytorch, rtol=1e-12)


def test_sam_with_no_distance_is_gradient_descent_with_momentum() -> None:
    np.testing.assert_array_equal(trajectory(Sam(rho=0.0)), trajectory(Sgd()))


def test_sam_at_a_minimum_stays() -> None:
    class Minimum(Point):
        def __init__(self) -> None:
            self.x = nn.param((2,), lambda generator, shape: np.zeros(2))

    task = Task(Minimum(), lambda model, c: model(c), train=(CURVATURE,))
    config = sgd_config(batch_size=1, optim=Sam())
    train_step = build_step(LocalCommunicator(), task, config)
    mode = make_mode(train_step, config.comm)
    mode.gradients(0, np.arange(1))
    mode.apply(StepControl(lr=LR, scale=1.0, grad_norm=1.0))
    np.testing.assert_array_equal(train_step.store.values, [0.0, 0.0])


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_ranks_shards_and_sharded_state_change_nothing(method: Any) -> None:
    """With batch-norm and dropout, clipped; to the bit with shards, and whether state is sharded or not."""

    def found(spec: str, **sections: Any) -> dict[str, Any]:
        config = sgd_config(optim=method, clip=Clip(norm=0.5), **sections)
        return World(spec).run(lambda comm: train(comm, STEPS, config))[-1]

    shards = Run(dtype="float64", epochs=1000, shards=3)
    assert largest_difference(found("threads:3", run=shards), found("local", run=shards)) == 0
    assert largest_difference(found("threads:3"), found("local")) < 1e-9  # sums in another order
    whole, sharded = (found("nodes:001", comm=Comm(sharded_optimizer=divided)) for divided in (False, True))
    assert largest_difference(whole, sharded) == 0


def test_what_batch_norm_remembers_is_of_the_first_gradient() -> None:
    def buffers(method: Optim) -> dict[str, Any]:
        config = sgd_config(optim=method)
        train_step = build_step(LocalCommunicator(), make_task(), config)
        mode = make_mode(train_step, config.comm)
        mode.gradients(0, np.arange(7))
        return dict(train_step.updates)

    plain, sam = buffers(Sgd()), buffers(Sam(rho=1.0))
    assert plain
    assert all(np.array_equal(plain[name], sam[name]) for name in plain)


@pytest.mark.parametrize("comm", [Comm(mode="stale"), Comm(mode="local"), Comm(hook="float16")])
def test_sums_that_are_not_of_the_step_are_refused(comm: Comm) -> None:
    with pytest.raises(UsageError, match=r"--optim.name sam with --comm.(mode|hook) \w+: a step that computes"):
        validate(sgd_config(optim=Sam(), comm=comm), 2)
