"""Claim 36. Gradient descent on the learning rates of a training, by hypergradients, finds a schedule that beats the
best constant rate.

Lecture: learning to learn, hyperparameters as parameters.

A perceptron of 64-32-10 units on the digits, 200 steps of SGD with momentum 0.9 and batches of 8. A schedule is ten
rates, between which their logarithms are interpolated; Adam follows the hypergradient of the validation loss after
the training, from a constant rate in the middle of the range that constant rates are searched in, and the best schedule
on its way is kept. A hypergradient costs some seven trainings, so the constant rates get seven settings for each of its
steps; so does linear decay to 0, which needs no gradient to be thought of. All are chosen on two trainings, and
compared by the test loss of others, with other initial values and batches. Maclaurin, Duvenaud,
Adams (2015), arXiv:1502.03492.
"""

# T steps, K = 10 knots

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ddtrain import optim
from ddtrain.errors import NonFiniteError
from ddtrain.meta import UnrolledTraining
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, curves
from examples.lectures.learning_to_learn import _digits
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
KNOTS, COST, BATCH = 10, 7, 8  # COST: trainings in the time of a hypergradient
LOWEST, HIGHEST = 0.003, 0.3
TUNING = (100, 101)  # seeds
TRAINING = UnrolledTraining(_digits.losses, optim.Sgd(momentum=0.9))


@functools.cache
def sets() -> tuple[tuple[Array, Array], ...]:
    return _digits.samples()


def beginning(seed: int, steps: int) -> tuple[Any, list[tuple[Array, Array]]]:
    """Initial values, and the batches of a training."""
    rng, (x, y) = np.random.default_rng(seed), sets()[0]
    params = _digits.start(rng, hidden=32)
    return params, [(x[rows], y[rows]) for rows in rng.integers(0, len(x), (steps, BATCH))]


def loss_after(schedule: Array, seed: int, judge: int = 1) -> float:
    """The loss after a training: of the validation set, or with 2 of the test set; infinite if it diverges."""
    params, batches = beginning(seed, len(schedule))
    try:
        return TRAINING.value(params, {"lr": schedule}, batches, sets()[judge])
    except NonFiniteError:
        return np.inf


def between(steps: int) -> Array:
    """(T, K): from knots to steps, by interpolation."""
    at, knots = np.arange(steps), np.linspace(0, steps - 1, KNOTS)
    return np.stack([np.interp(at, knots, row) for row in np.eye(KNOTS)], axis=1)


def followed(steps: int, updates: int) -> tuple[Array, list[float]]:
    """The best schedule on the way that hypergradients lead, and the validation loss on that way from its start on."""
    to_steps, logs = between(steps), np.full(KNOTS, np.log(np.sqrt(LOWEST * HIGHEST)))
    adam, values, schedules = optim.make(optim.Adam(), KNOTS, logs.dtype), [], [np.exp(to_steps @ logs)]
    for _ in range(updates):
        found = [TRAINING.hypergradient(*_with(schedules[-1], seed)) for seed in TUNING]
        values.append(float(np.mean([one.value for one in found])))
        by_rate = np.mean([one.schedules["lr"] for one in found], axis=0)
        adam.apply(logs, to_steps.T @ (by_rate * schedules[-1]), lr=0.1)  # steps of 10 %
        schedules.append(np.exp(to_steps @ logs))
    values.append(float(np.mean([loss_after(schedules[-1], seed) for seed in TUNING])))
    return schedules[int(np.argmin(values))], values


def _with(schedule: Array, seed: int) -> tuple[Any, ...]:
    params, batches = beginning(seed, len(schedule))
    return params, {"lr": schedule}, batches, sets()[1]


def searched(shape: Array, count: int) -> Array:
    """The best multiple of a shape, by the validation loss."""
    settings = rates(LOWEST, HIGHEST, count)
    found: float = tune(lambda lr, seed: loss_after(lr * shape, seed), settings, TUNING).setting
    return found * shape


def study(size: Size) -> Finding:
    steps, updates = size(200, small=30), size(10, small=2)
    schedule, way = followed(steps, updates)
    shapes = {"best constant rate": np.ones(steps), "best linear decay": np.linspace(1.0, 1.0 / steps, steps)}
    compared = {name: searched(shape, COST * updates) for name, shape in shapes.items()}
    compared["by hypergradients"] = schedule
    seeds = range(size(8, small=2))
    after = {name: np.array([loss_after(rates, seed, judge=2) for seed in seeds]) for name, rates in compared.items()}
    constant, linear, found = after.values()
    gain, rest = constant / found, linear / found
    expect(min(way[1:]) < way[0], f"the hypergradient leads uphill: {way}")
    if not size.small:  # two updates are not enough to find anything
        expect((gain > 1).sum() >= 7 and np.median(gain) > 1.2, f"gain over the constant rate: {gain}")
        expect(0.85 < np.median(rest) < 1.15, f"linear decay by the schedule that was found: {rest}")
        expect(schedule[-1] < 0.3 * schedule.max(), f"the schedule does not decay: {schedule[[0, -1]]}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        curves(left, compared.items())
        left.set(xlabel="step", ylabel="learning rate", yscale="log", ylim=(schedule.min() / 3, None))
        for k, (name, losses) in enumerate(after.items()):
            right.plot(losses, np.full(len(losses), k), "o", alpha=0.6, color=COLORS[k], label=name)
            right.plot([np.median(losses)], [k], "|", ms=22, color=COLORS[k])
        right.set(xlabel="test loss of other trainings [nats]; bar: median", yticks=[], ylim=(-0.6, 2.6))
        right.legend(fontsize=8)

    return Finding(
        Verdict.HOLDS,
        f"Over {len(seeds)} other trainings the best of {COST * updates} constant rates leaves {gain.min():.2f} to "
        f"{gain.max():.2f} times (median {np.median(gain):.2f}) the test loss of the schedule that {updates} steps "
        f"along hypergradients find for as many trainings; but linear decay to 0, searched in the same way, comes to "
        f"{np.median(rest):.2f} times that loss: what is found is that the rate must decay.",
        Table(
            ("schedule", "first rate", "largest", "last", "test loss, median", "lowest", "highest"),
            [
                (name, rates[0], rates.max(), rates[-1], np.median(after[name]), after[name].min(), after[name].max())
                for name, rates in compared.items()
            ],
        ),
        draw,
    )
