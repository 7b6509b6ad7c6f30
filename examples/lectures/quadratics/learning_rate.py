"""Claim 1. Gradient descent on a quadratic decays at αλ ≤ 1, oscillates at αλ ≤ 2 and diverges beyond: along every
eigenvector of its matrix, each step multiplies the distance to the minimum by exactly 1 − αλ.

Lecture: optimisation, gradient descent on a quadratic bowl.

The matrix is a random one of 20 dimensions with the eigenvalues 1/8 to 1, turned so that no axis is an eigenvector;
steps are those of ``optim.Sgd`` in float64, the gradient is the engine's.
"""

# D = 20 dimensions

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import optim
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.training import descend

Array = np.ndarray[Any, Any]
EIGENVALUES = np.geomspace(1 / 8, 1.0, 20)
RATES = (0.5, 1.0, 1.5, 2.0, 2.1)  # times the largest eigenvalue, which is 1


def path(lr: float, steps: int, seed: int) -> Array:
    """(steps + 1, D): the distances to the minimum along the eigenvectors, from 1 at first."""
    directions = np.linalg.qr(np.random.default_rng(seed).standard_normal((20, 20)))[0]  # in columns
    matrix = (directions * EIGENVALUES) @ directions.T
    loss = lambda x: 0.5 * (x @ matrix @ x)
    points, _ = descend(loss, directions.sum(axis=1), optim.Sgd(lr=lr, momentum=0.0), steps)
    distances: Array = points @ directions
    return distances


def behaviour(distances: Array) -> str:
    """What the distance along the steepest eigenvector does."""
    steepest = distances[:, -1]
    if abs(steepest[-1]) > 1.001:
        return "diverges"
    return "oscillates" if steepest.min() < -1e-9 else "decays"


def study(size: Size) -> Finding:
    steps = size(60, small=12)
    paths = {lr: [path(lr, steps, seed) for seed in size.seeds] for lr in RATES}
    off = {
        lr: max(np.abs(run - (1 - lr * EIGENVALUES) ** np.arange(steps + 1)[:, None]).max() for run in runs)
        for lr, runs in paths.items()
    }
    rounding = {lr: 1e-14 * steps * max(1.0, abs(1 - lr)) ** steps for lr in RATES}  # grows as the error itself does
    for lr in RATES:
        expect(off[lr] < rounding[lr], f"αλ = {lr}: off (1 − αλ)^k by {off[lr]:.1e}")
    does = {lr: {behaviour(run) for run in runs} for lr, runs in paths.items()}
    expected = ["decays", "decays", "oscillates", "oscillates", "diverges"]
    expect([does[lr] for lr in RATES] == [{word} for word in expected], f"not as the claim has it: {does}")

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        curves(axis, [(f"αλ = {lr:g}: {word}", paths[lr][0][:13, -1]) for lr, word in zip(RATES, expected)])
        axis.set(xlabel="step", ylabel="distance along the steepest eigenvector")

    worst = max(off[lr] for lr in RATES if lr <= 2)
    return Finding(
        Verdict.HOLDS,
        f"Over {len(size.seeds)} random matrices and 20 eigenvectors each, the distance after k steps is (1 − αλ)^k to "
        f"{worst:.0e}; it decays at αλ = 1, oscillates at 1.5, swings for ever at 2, and grows at 2.1.",
        Table(
            ("αλ of the steepest", "does", "its distance at the end", "largest deviation from (1 − αλ)^k"),
            [(f"{lr:g}", word, abs(paths[lr][0][-1, -1]), off[lr]) for lr, word in zip(RATES, expected)],
        ),
        draw,
    )
