"""Claim 2. A real network, too, is stable at learning rates up to 2/λmax near a minimum, and at no others.

Lecture: optimisation, gradient descent on a quadratic bowl.

A network of 64, 6 and 10 tanh units on 300 digits, with cross-entropy and 0.005 of the squared weights, taken to a
minimum by L-BFGS and three steps of Newton's method. λmax and its eigenvector are the dense Hessian's, whose largest
eigenvalue Lanczos' method finds, too. Gradient descent on all digits begins 10⁻⁵ beside the minimum; a bisection finds
the rate from which on it is further away after 300 steps. The same with momentum 0.9, whose limit
``diagnose.curvature.stability`` knows. Last, a run from the initial values at 1.5 times the minimum's limit.
"""

# D = 460 weights

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ddtrain.diagnose.curvature.spectrum import extreme_eigenvalues
from ddtrain.diagnose.curvature.stability import stable_rate
from ddtrain.optim import Lbfgs, Newton, Sgd
from ddtrain.optim.batch_methods.hessian import whole_hessian
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.quadratics._vectors import Array, VectorObjective, Walk, descend_on, digits_network

PLAIN, HEAVY = Sgd(momentum=0.0), Sgd(momentum=0.9)
SHARES = (0.5, 0.95, 1.05, 1.5)  # of the limit, for the picture


def minimum(objective: VectorObjective, start: Array) -> Array:
    walk = Walk(Lbfgs(history=50), start)
    for _ in range(400):
        walk.step(objective)
        if np.linalg.norm(objective.loss_and_gradient(walk.x)[1]) < 1e-6:
            break
    walk = Walk(Newton(form="pure"), walk.x)
    for _ in range(3):
        walk.step(objective)
    return walk.x


def distances(objective: VectorObjective, x: Array, off: Array, formula: Sgd, lr: float, steps: int) -> Array:
    """(steps + 1,) from the minimum, beside the first one."""
    points, _ = descend_on(objective, x + off, formula, [lr] * steps)
    lengths: Array = np.linalg.norm(points - x, axis=1) / np.linalg.norm(off)
    return np.where(np.isfinite(lengths), lengths, np.inf)


def limit(objective: VectorObjective, x: Array, off: Array, formula: Sgd, guess: float, steps: int) -> float:
    """The rate from which on so many steps of gradient descent lead away, over the one that is foretold."""
    low, high = 0.5, 1.5
    while high - low > 1.2 / steps:
        middle = 0.5 * (low + high)
        leaves = distances(objective, x, off, formula, middle * guess, steps)[-1] > 1
        low, high = (low, middle) if leaves else (middle, high)
    return 0.5 * (low + high)


def study(size: Size) -> Finding:
    steps, rows, pictures = size(300, small=50), [], []
    for seed in size.seeds:
        objective, start = digits_network(size(6, small=2), size(300, small=60), seed, penalty=0.01)
        x = minimum(objective, start)
        values, vectors = np.linalg.eigh(whole_hessian(partial(objective.hessian_product, x), x))
        expect(values[0] > 0, f"no minimum: the lowest eigenvalue is {values[0]}")
        lanczos = extreme_eigenvalues(objective, x).largest
        expect(abs(lanczos / values[-1] - 1) < 1e-6, f"λmax is {values[-1]}, and by Lanczos' method {lanczos}")
        off = 1e-5 * vectors[:, -1]
        plain, heavy = 2 / values[-1], stable_rate(HEAVY, values[-1])
        found = [limit(objective, x, off, way, lr, steps) for way, lr in ((PLAIN, plain), (HEAVY, heavy))]
        expect(max(abs(share - 1) for share in found) < 2 / steps, f"the limits are {found} of those that are foretold")
        pictures.append([distances(objective, x, off, PLAIN, share * plain, steps) for share in SHARES])
        _, losses = descend_on(objective, start, PLAIN, [1.5 * plain] * size(2000, small=30))
        lasting = losses[len(losses) // 2 :] / objective.loss(x)  # beside the minimum's
        rows.append((float(values[-1]), float(plain), *found, lasting.min(), lasting.max()))
    beyond = np.array(rows)[:, 4:]
    if not size.small:  # where it has not yet come down
        expect(beyond[:, 0].min() > 1 and (beyond[:, 1] > 1.3 * beyond[:, 0]).all(), f"at 1.5 times: {beyond}")

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        curves(axis, [(f"{share:g} × 2/λmax", [each[k] for each in pictures]) for k, share in enumerate(SHARES)])
        axis.set(xlabel="step", ylabel="distance to the minimum, over the first", yscale="log", ylim=(1e-10, 1e6))

    widths = np.array(rows)[:, 2:4]
    return Finding(
        Verdict.HOLDS,
        f"At minima with λmax from {min(row[0] for row in rows):.2f} to {max(row[0] for row in rows):.2f} gradient "
        f"descent is unstable from {np.median(widths[:, 0]):.3f} times 2/λmax on, and with momentum 0.9 from "
        f"{np.median(widths[:, 1]):.3f} times 3.8/λmax, found to {1.2 / steps:.3f}. At 1.5 times, from the initial "
        f"values, it does not fly off, but never rests: in the second half of its steps the loss swings between "
        f"{np.median(beyond[:, 0]):.2f} and {np.median(beyond[:, 1]):.2f} times the minimum's.",
        Table(
            ("seed", "λmax", "2/λmax", "limit found, over it", "with momentum", "lowest at 1.5 times", "highest"),
            [(str(seed), *row) for seed, row in zip(size.seeds, rows)],
        ),
        draw,
    )
