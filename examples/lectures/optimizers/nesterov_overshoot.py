"""Claim 6. Nesterov's momentum overshoots less than the heavy ball.

Lecture: optimisation, momentum.

A quadratic of curvature λ in one dimension, from rest at 1: how far beyond the minimum 1,000 steps get, at momentum 0.9
and αλ from 0.001 to 3.7 (``optim.Nesterov``, with the gradient at the point looked ahead to, and ``optim.Sgd``). Then a
network of 64, 16 and 10 tanh units on 300 digits, all of them in each of 150 steps of ``optim.Sgd`` at momentum 0.9 in
both forms, each at the best of seven learning rates from 0.01 to 10, on another seed: by how much its loss rises again.

Nesterov (1983); Sutskever et al. (2013), whose section 2 has the reason: Nesterov's μ(1 − αλ) in the heavy ball's μ.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ddtrain.diagnose.curvature.stability import stable_rate
from ddtrain.optim import FlatOptimizer, Nesterov, Sgd
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, DASHES, curves
from examples.lectures.quadratics._vectors import Array, descend_on, digits_network
from examples.lectures.tuning import rates, tune

MOMENTUM = 0.9
WAYS = {"heavy ball": Sgd(momentum=MOMENTUM), "Nesterov": Sgd(momentum=MOMENTUM, nesterov=True)}


def positions(name: str, rates_K: Array, steps: int) -> Array:
    """(steps + 1, K) places on quadratics whose αλ these are; infinite where they run away."""
    formula = Nesterov(momentum=MOMENTUM) if name == "Nesterov" else WAYS[name]
    x_K, optimizer = np.ones(len(rates_K)), FlatOptimizer(formula, len(rates_K), np.float64)
    places = [x_K.copy()]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            ahead_K = x_K.copy()
            if name == "Nesterov":
                optimizer.probe(ahead_K, ahead_K, scale=0.0)
            optimizer.apply(x_K, rates_K * ahead_K, lr=1.0)
            places.append(x_K.copy())
    return np.nan_to_num(np.array(places), nan=np.inf)


def overshoot(places: Array) -> Array:
    """(K,) the farthest point beyond the minimum at 0; infinite where the places go away."""
    gone = ~(np.abs(places[-1]) < 1)
    return np.where(gone, np.inf, np.maximum(-places.min(axis=0), 0))


def rise(losses: Array) -> float:
    """The largest by which a later loss exceeds an earlier one."""
    return float((losses - np.minimum.accumulate(losses)).max())


def trained(name: str, steps: int, samples: int, lr: float, seed: int) -> Array:
    objective, start = digits_network(16, samples, seed)
    return descend_on(objective, start, WAYS[name], [lr] * steps)[1]


def last_loss(name: str, steps: int, samples: int, lr: float, seed: int) -> float:
    return float(trained(name, steps, samples, lr, seed)[-1])


def study(size: Size) -> Finding:
    at = np.geomspace(0.001, 3.7, 80)
    over = {name: overshoot(positions(name, at, 1000)) for name in WAYS}
    both = np.isfinite(over["Nesterov"])
    limit = stable_rate(WAYS["Nesterov"], 1.0)
    expect((both == (at < limit)).all() and np.isfinite(over["heavy ball"]).all(), f"the stable rates are {at[both]}")
    less = over["Nesterov"][both] <= over["heavy ball"][both] + 1e-12
    expect(less.all(), f"Nesterov overshoots more at αλ = {at[both][~less]}")
    steps, samples, settings = size(150, small=10), size(300, small=60), rates(0.01, 10.0, size(7, small=3))
    lrs = {name: tune(partial(last_loss, name, steps, samples), settings, (10,)).setting for name in WAYS}
    runs = {name: np.array([trained(name, steps, samples, lrs[name], seed) for seed in size.seeds]) for name in WAYS}
    again = {name: [rise(run) for run in each] for name, each in runs.items()}
    if not size.small:  # where steps are too few to overshoot
        expect(min(again["Nesterov"]) > 0.1 > max(again["heavy ball"]), f"the network's loss rises by {again}")
    most = int(np.argmax(over["heavy ball"][both] - over["Nesterov"][both]))

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        for k, (name, each) in enumerate(over.items()):
            left.plot(at, each, color=COLORS[k], ls=DASHES[k], label=name)
        left.axvline(limit, color="gray", lw=0.8)
        left.set(xlabel="αλ (beyond the line Nesterov diverges)", ylabel="overshoot, of the way", xscale="log")
        left.legend(fontsize=8)
        curves(right, [(f"{name}, lr {lrs[name]:.2g}", run) for name, run in runs.items()])
        right.set(xlabel="step", ylabel="loss of the network (nats)", yscale="log")

    return Finding(
        Verdict.IN_PART,
        f"On a quadratic Nesterov overshoots less at every αλ up to {limit:.2f}, at αλ = {at[most]:.2f} by "
        f"{over['Nesterov'][most]:.0%} of the way against {over['heavy ball'][most]:.0%}; but beyond it diverges, "
        f"where the heavy ball is stable up to 3.8. So on the network, with the best rate of each, the heavy ball's "
        f"loss rises by at most {max(again['heavy ball']):.2f}, Nesterov's by {min(again['Nesterov']):.2f} to "
        f"{max(again['Nesterov']):.2f}.",
        Table(
            ("case", "αλ", "heavy ball", "Nesterov"),
            [
                *(("overshoot", at[k], over["heavy ball"][k], over["Nesterov"][k]) for k in range(19, 80, 10)),
                ("best rate of the network", "", *lrs.values()),
                ("rise of its loss", "", *(float(np.median(again[name])) for name in WAYS)),
                ("its loss at the end", "", *(float(np.median(runs[name][:, -1])) for name in WAYS)),
            ],
        ),
        draw,
    )
