"""A model, a loss and data of your own: learn how long a pendulum takes to swing from how far it swings.

The period is 2 pi sqrt(L / g) / agm(1, cos(A / 2)) for length L and amplitude A (Gauss; agm: the arithmetic-geometric
mean). The model is told only that it is a power of L times some function of A, and should find that the power is 1/2::

    python examples/custom_training.py                                      # one process
    mpirun -n 4 python examples/custom_training.py                          # four ranks, the same figures
    python examples/custom_training.py --model.width 8 --run.epochs 5      # every option of ddtrain.train, and our own
    python examples/custom_training.py --loss.name huber --loss.delta 0.1  # any loss that compares two arrays
"""

from dataclasses import dataclass

import numpy

import ddtrain
import ddtrain.numpy as np
from ddtrain import nn
from ddtrain.ops.losses import Squared
from ddtrain.optim import Adam
from ddtrain.optim.schedules import Cosine
from ddtrain.trainer import config


@dataclass(frozen=True)
class Model:
    """The network."""

    width: int = 64
    """Units of each hidden layer."""


@dataclass(frozen=True)
class Pendulum(ddtrain.Config):
    """What this job changes of the defaults, and the section of options that it adds."""

    run: config.Run = config.Run(epochs=15)
    data: config.Data = config.Data(batch_size=100)
    optim: config.Optim = Adam(lr=0.03)
    schedule: config.Schedule = Cosine(warmup_steps=20)
    loss: config.Loss = Squared()
    model: Model = Model()


class LogPeriod(nn.Module):
    """log T = power * log L + f(A), with a perceptron for f."""

    def __init__(self, width: int) -> None:
        self.power = nn.param((), nn.init.zeros)
        self.f = nn.Sequential(nn.Linear(1, width), nn.tanh(), nn.Linear(width, width), nn.tanh(), nn.Linear(width, 1))

    def forward(self, x_N2: nn.Array) -> nn.Array:
        return self.power * np.log(x_N2[:, 0]) + self.f(x_N2[:, 1:])[:, 0]


def swings(count: int, seed: int, dtype: str) -> ddtrain.ArrayData:
    """Pendulums of 0.1 to 2 m that swing by 0.05 to 2.5 rad, and the logarithm of their periods in s."""
    length, amplitude = numpy.random.default_rng(seed).uniform((0.1, 0.05), (2.0, 2.5), (count, 2)).T
    a, b = numpy.ones(count), numpy.cos(amplitude / 2)
    for _ in range(6):  # of quadratic convergence
        a, b = (a + b) / 2, numpy.sqrt(a * b)
    period = 2 * numpy.pi * numpy.sqrt(length / 9.81) / a
    return ddtrain.ArrayData(numpy.stack([length, amplitude], axis=1).astype(dtype), numpy.log(period).astype(dtype))


def build(settings: Pendulum) -> ddtrain.Task:
    """The period of a pendulum, learned from 4,000 swings."""
    dtype = settings.run.dtype

    def loss(model: LogPeriod, x_N2: nn.Array, log_period_N: nn.Array) -> tuple[nn.Array, dict[str, nn.Array]]:
        """One loss a sample, not averaged, and figures to watch; an error of log T is a relative error of T."""
        prediction_N = model(x_N2)
        return settings.loss(prediction_N, log_period_N), {"relative_error": abs(prediction_N - log_period_N)}

    return ddtrain.Task(
        LogPeriod(settings.model.width), loss, train=swings(4000, 1, dtype), valid=swings(1000, 2, dtype)
    )


if __name__ == "__main__":
    ddtrain.main(build, Pendulum())
