"""DiLoCo: the mean of the nodes with rate 1 and no momentum, Nesterov's steps along their movements otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from mode_runs import PLAIN, farthest, gradient, plain_config, take_steps

from helpers import Plain, make_task


def test_diloco_with_rate_one_and_no_momentum_averages_the_parameters(world: Any) -> None:
    local = world.run(lambda comm: take_steps(comm, plain_config(mode="local", sync_every=3)))[0]
    outer = plain_config(mode="diloco", sync_every=3, outer_lr=1.0, outer_momentum=0.0)
    for got in world.run(lambda comm: take_steps(comm, outer)):
        assert farthest(got, local) < 1e-12


def test_diloco_takes_nesterovs_steps(world: Any) -> None:
    """The movement between meetings, through the outer optimizer by hand."""
    lr, momentum = 0.7, 0.9
    shown = world.run(
        lambda comm: take_steps(comm, plain_config(mode="diloco", sync_every=1, outer_lr=lr, outer_momentum=momentum))
    )[0]
    theta = make_task(Plain()).model.init(0, "float64")
    one = lambda values, step: gradient(values, step)
    velocity = {name: np.zeros_like(value) for name, value in theta.items()}
    for step, got in enumerate(shown):
        moved = {name: PLAIN.lr * g for name, g in one(theta, step).items()}
        velocity = {name: momentum * velocity[name] + moved[name] for name in theta}
        theta = {name: theta[name] - lr * (moved[name] + momentum * velocity[name]) for name in theta}
        assert farthest([got], [theta]) < 1e-12
