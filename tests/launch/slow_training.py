"""A program of one's own that takes its time, so that a request to stop comes in the middle: see ``test_slurm.py``."""

import time
from dataclasses import dataclass

import numpy as np

import ddtrain
from ddtrain import nn, ops
from ddtrain.callbacks import Callback, Watched

STEP_S = 0.05  # long beside what a request to stop takes from a batch system to the ranks


@dataclass(frozen=True)
class Slowly(Callback):
    """Wait after each step; no number of the run depends on it."""

    def step(self, run: Watched) -> None:
        time.sleep(STEP_S)


def build(config: ddtrain.Config) -> ddtrain.Task:
    """A line through 40 points, with noise that dropout makes: a step drawn twice would show."""
    x = np.linspace(-1.0, 1.0, 40, dtype=config.run.dtype)[:, None]
    model = nn.Sequential(nn.Linear(1, 8), nn.tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
    return ddtrain.Task(model, lambda model, x_N1, y_N: ops.squared_error(model(x_N1)[:, 0], y_N), train=(x, x[:, 0]))


if __name__ == "__main__":
    ddtrain.main(build, callbacks=[Slowly()])
