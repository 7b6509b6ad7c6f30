"""Claim 9. RMSProp corrects curvature that lies along the axes, and fails where the eigenvectors are rotated.

Lecture: optimisation, adaptive learning rates.

Quadratics of 20 dimensions with eigenvalues from 1 down to 1/κ, κ from 10 to 10⁵: with the axes as eigenvectors, and
with random ones; distances to the minimum along them are normal numbers. RMSProp (ρ = 0.9) and gradient descent take
100 steps at rates that fall to 0 linearly, as RMSProp would tremble around the minimum at a constant one. They begin
with the best of nine learning rates, chosen on three other seeds: RMSProp's from 0.001 to 1, gradient descent's from
0.2 to 20, as a rate that falls may begin beyond the 2 at which a constant one diverges.
"""

# D = 20 dimensions

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ddtrain.optim import Optim, RmsProp, Sgd, make
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, DASHES, curves
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
D = 20
METHODS = {"RMSProp": rates(0.001, 1.0, 9), "gradient descent": rates(0.2, 20.0, 9)}
KINDS = ("along the axes", "rotated")
CONDITIONS = (10.0, 100.0, 1e3, 1e4, 1e5)
STEPS = 100


def losses_of(name: str, kind: str, condition: float, lr: float, seed: int) -> Array:
    """(STEPS + 1,), beside the first one."""
    rng = np.random.default_rng(seed)
    axes_DD = np.linalg.qr(rng.standard_normal((D, D)))[0] if kind == "rotated" else np.eye(D)
    matrix = (axes_DD * np.geomspace(1.0, 1 / condition, D)) @ axes_DD.T
    x_D = axes_DD @ rng.standard_normal(D)
    formula: Optim = RmsProp(lr=lr, rho=0.9) if name == "RMSProp" else Sgd(lr=lr, momentum=0.0)
    optimizer, losses = make(formula, D, x_D.dtype), [x_D @ matrix @ x_D]
    for step in range(STEPS):
        optimizer.apply(x_D, matrix @ x_D, lr=lr * (1 - step / STEPS))
        losses.append(x_D @ matrix @ x_D)
    return np.array(losses) / losses[0]


def last_loss(name: str, kind: str, condition: float, lr: float, seed: int) -> float:
    return float(losses_of(name, kind, condition, lr, seed)[-1])


def study(size: Size) -> Finding:
    cases = [(name, kind, condition) for name in METHODS for kind in KINDS for condition in CONDITIONS]
    lrs = {case: tune(partial(last_loss, *case), METHODS[case[0]], (10, 11, 12)).setting for case in cases}
    losses = {case: np.array([losses_of(*case, lrs[case], seed) for seed in size.seeds]) for case in cases}
    end = {case: runs[:, -1] for case, runs in losses.items()}
    for condition in CONDITIONS:
        along, rotated = (end["RMSProp", kind, condition] for kind in KINDS)
        descent = end["gradient descent", "rotated", condition]
        expect(max(along) < 1e-9, f"RMSProp along the axes ends at {along}, κ = {condition:g}")
        expect(condition < 1000 or min(rotated) > 1e4 * max(along), f"RMSProp rotated ends at {rotated}")
        expect(condition < 1000 or min(rotated) > 0.1 * max(descent), f"{rotated}, but descent ends at {descent}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        pairs = [(name, kind) for name in METHODS for kind in KINDS]
        for k, (name, kind) in enumerate(pairs):
            ends = [np.median(end[name, kind, condition]) for condition in CONDITIONS]
            left.plot(CONDITIONS, ends, "o", color=COLORS[k], ls=DASHES[k], ms=4, label=f"{name}, {kind}")
        left.set(xlabel="condition number κ", ylabel="loss after 100 steps, of the first", xscale="log", yscale="log")
        left.legend(fontsize=8)
        curves(right, [(f"{name}, {kind}", losses[name, kind, 1e3]) for name, kind in pairs])
        right.set(xlabel="step, κ = 1000", ylabel="loss, of the first", yscale="log")

    worst = max(max(end["RMSProp", "along the axes", condition]) for condition in CONDITIONS)
    turned, descent = (np.median(end[name, "rotated", 1e4]) for name in METHODS)
    return Finding(
        Verdict.HOLDS,
        f"Along the axes 100 steps of RMSProp leave at most {worst:.0e} of the loss, at conditions from 10 to 10⁵; "
        f"with random eigenvectors {turned:.0e} at condition 10⁴, much as gradient descent does ({descent:.0e}).",
        Table(
            ("method", "condition", "lr", "part of the loss: lowest", "median", "highest"),
            [
                (
                    f"{name}, {kind}",
                    f"{condition:.0e}",
                    lrs[name, kind, condition],
                    *np.quantile(parts, (0.0, 0.5, 1.0)),
                )
                for (name, kind, condition), parts in end.items()
            ],
        ),
        draw,
    )
