"""Claim 8. Adam without its bias correction takes steps that are too long at first.

Lecture: optimisation, Adam.

First a constant gradient, for which a right step is the learning rate: what ``optim.Adam`` does without the correction,
at β₁ = 0.9 and β₂ from 0.9 to 0.9999, beside (1 − β₁ᵗ) / √(1 − β₂ᵗ). Then a network of 64, 32 and 10 tanh units on 512
digits, in batches of 64: with the correction at the best of seven learning rates, on another seed; without it at the
same rate, and at the best of the same seven for itself.

Kingma, Ba (2015), arXiv:1412.6980, section 6.4.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ddtrain import nn, ops
from ddtrain.data import digits
from ddtrain.optim import Adam, make
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.quadratics._vectors import Array, VectorObjective, network
from examples.lectures.tuning import rates, tune

SECOND = (0.9, 0.99, 0.999, 0.9999)


def steps_taken(formula: Adam, steps: int) -> Array:
    """(steps,) lengths beside the learning rate, where the gradient is always 1."""
    x, optimizer, points = np.zeros(1), make(formula, 1, np.float64), [0.0]
    for _ in range(steps):
        optimizer.apply(x, np.ones(1), lr=formula.lr)
        points.append(float(x[0]))
    lengths: Array = -np.diff(points) / formula.lr
    return lengths


def trained(correction: bool, steps: int, samples: int, lr: float, seed: int) -> Array:
    """(steps + 1,) the loss over all samples."""
    images, rng = digits(), np.random.default_rng(seed)
    x_ND, y_N = images.x_train[:samples].reshape(-1, 64) / 16.0, images.y_train[:samples]
    net = nn.Sequential(nn.Linear(64, 32), nn.tanh(), nn.Linear(32, 10))
    loss, x = network(net, lambda model, x, y: ops.cross_entropy(model(x), y), seed)
    part, whole = VectorObjective(loss), VectorObjective(loss, x_ND, y_N)
    optimizer, losses = make(Adam(lr=lr, bias_correction=correction), len(x), np.float64), [whole.loss(x)]
    for _ in range(steps):
        rows = rng.choice(samples, 64, replace=False)
        part.batch = x_ND[rows], y_N[rows]
        optimizer.apply(x, part.loss_and_gradient(x)[1], lr=lr)
        losses.append(whole.loss(x))
    return np.array(losses)


def last_loss(correction: bool, steps: int, samples: int, lr: float, seed: int) -> float:
    return float(trained(correction, steps, samples, lr, seed)[-1])


def study(size: Size) -> Finding:
    count, steps, samples, settings = 100, size(150, small=12), size(512, small=64), rates(0.001, 0.3, 7)
    lengths = {beta: steps_taken(Adam(lr=0.01, beta2=beta, bias_correction=False), count) for beta in SECOND}
    t = np.arange(1, count + 1)
    for beta, found in lengths.items():
        told = (1 - 0.9**t) / np.sqrt(1 - beta**t)
        expect(np.abs(found / told - 1).max() < 1e-5, f"β₂ = {beta}: steps are {found}, not {told}")
    right = np.abs(steps_taken(Adam(lr=0.01), count) - 1).max()
    expect(right < 1e-5, f"with the correction, steps are off by {right}")
    lrs = {kind: tune(partial(last_loss, kind, steps, samples), settings, (10,)).setting for kind in (True, False)}
    ways = {
        "with the correction": (True, lrs[True]),
        "without, same rate": (False, lrs[True]),
        "without, its own rate": (False, lrs[False]),
    }
    runs = {
        name: np.array([trained(kind, steps, samples, lr, seed) for seed in size.seeds])
        for name, (kind, lr) in ways.items()
    }
    corrected, same, own = runs.values()
    expect((same.max(axis=1) > 1.1 * corrected.max(axis=1)).all(), f"highest: {same.max()}, {corrected.max()}")
    if not size.small:  # where the end is the beginning
        expect(np.median(own[:, -1]) < 2 * np.median(corrected[:, -1]), "its own rate does not make up for it")
    peak = {beta: float(found.max()) for beta, found in lengths.items()}

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        curves(left, [(f"β₂ = {beta}", found) for beta, found in lengths.items()], t)
        left.axhline(1, color="gray", lw=0.8)
        left.set(xlabel="step", ylabel="length, in learning rates", yscale="log", title="without the correction")
        curves(right, [(f"{name}: {ways[name][1]:.2g}", run[:, :61]) for name, run in runs.items()])
        right.set(xlabel="step", ylabel="loss over all digits (nats)", yscale="log", title="network")

    return Finding(
        Verdict.IN_PART,
        f"At β₁ = 0.9 and β₂ = 0.999 the first step is {lengths[0.999][0]:.1f} times as long as the rate says, and the "
        f"{lengths[0.999].argmax() + 1}th {peak[0.999]:.1f} times; at the rate that is best with the correction, the "
        f"loss goes up to {np.median(same.max(axis=1)):.1f} before it comes down, and with the correction to "
        f"{np.median(corrected.max(axis=1)):.1f}. But at β₂ = 0.9 steps are too short, "
        f"{lengths[0.9][0]:.2f} times at first; and at a rate of its own ({lrs[False]:.2g} instead of {lrs[True]:.2g}) "
        f"the network ends at {np.median(own[:, -1]):.1e}, and with the correction at "
        f"{np.median(corrected[:, -1]):.1e}.",
        Table(
            ("what", "lr", "first", "highest", "last"),
            [
                *(
                    (f"length of steps, β₂ = {beta}", 0.01, each[0], peak[beta], each[-1])
                    for beta, each in lengths.items()
                ),
                *(
                    (
                        f"loss, {name}",
                        ways[name][1],
                        *(np.median(part) for part in (run[:, 0], run.max(axis=1), run[:, -1])),
                    )
                    for name, run in runs.items()
                ),
            ],
        ),
        draw,
    )
