"""Claim 21. Clipping the gradient, by value or by norm, rescues a recurrent network from the cliffs of its loss.

Lecture: recurrent networks, exploding gradients.

A cliff: one unit, ``h = sigmoid(w h + b)`` 50 times from 0.5, is to end at 0.7; 200 steps of gradient descent from 100
random starts a seed. Without clipping nine rates are tried, with it three rates by three limits, on starts of another
seed. A network: ``nn.RNN`` of 64 units reads the digits in 16 pieces, 300 steps by SGD with momentum, at four rates,
without clipping, with a norm of at most 1, and with values of at most 0.1. Pascanu, Mikolov, Bengio (2013),
arXiv:1211.5063, where the unit is from.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ddtrain import nn
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, DASHES, curves
from examples.lectures.normalization._digits import judged, trained
from examples.lectures.schedules._cliff import Array, Setting, losses, paths, same_as_trained, starts
from examples.lectures.tuning import rates, tune

KINDS = {"none": "not clipped", "norm": "clipped by norm", "value": "clipped by value"}
LIMITS = {"none": {}, "norm": {"norm": 1.0}, "value": {"value": 0.1}}  # of the network's gradients
RATES = rates(0.01, 0.3, 4)
ARRIVED = 1e-4  # a loss that is as good as the least, 0


class Reader(nn.Module):
    """Reads an image in sixteen pieces of four pixels, and then says what it is."""

    def __init__(self) -> None:
        self.rnn, self.head = nn.RNN(4, 64), nn.Linear(64, 10)

    def forward(self, x: Any) -> Any:
        return self.head(self.rnn(x.reshape(len(x), 16, 4))[0][:, -1])


def missing(kind: str, setting: Setting, seed: int, size: Size) -> float:
    """The share of starts that do not arrive, in percent."""
    ends = paths(kind, setting, starts(seed, size(100, small=40)), 200)[-1]
    return float(100 * np.mean(losses(ends) > ARRIVED))


def read(kind: str, rate: float, seed: int, size: Size) -> float:
    """The test loss of the network."""
    return judged(trained(Reader(), rate, seed, size(300, small=30), 64, clip=LIMITS[kind]))


def example(setting: Setting) -> dict[str, Array]:
    """Paths (201, 2) from a start at which descent arrives clipped by norm, and not without."""
    all_paths = {kind: paths(kind, setting, starts(0, 100), 200) for kind in KINDS}
    low = {kind: losses(of[-1]) < ARRIVED for kind, of in all_paths.items()}
    chosen = int(np.flatnonzero(low["norm"] & ~low["none"])[0])
    return {kind: of[:, :, chosen] for kind, of in all_paths.items()}


def study(size: Size) -> Finding:
    for kind in KINDS:
        off = same_as_trained(kind, size(25, small=4))
        expect(off < 1e-9, f"{KINDS[kind]}: ddtrain.fit takes other steps, by {off:.0e}")
    grid = list(product(rates(1.0, 30.0, 3), (0.01, 0.1, 1.0)))
    settings = {"none": [(rate, np.inf) for rate in rates(0.3, 30.0, 9)], "norm": grid, "value": grid}
    best = {"none": settings["none"][6], "norm": grid[7], "value": grid[7]}
    if not size.small:
        best = {k: tune(lambda at, seed: missing(k, at, seed, size), settings[k], (101,)).setting for k in KINDS}  # noqa: B023
    missed = {kind: [missing(kind, best[kind], seed, size) for seed in size.seeds] for kind in KINDS}
    for kind in ("norm", "value"):
        expect(max(missed[kind]) < min(missed["none"]) - 10, f"clipping does not rescue the unit: {missed}")
    tried = RATES[2:3] if size.small else RATES  # and then not for long enough to explode
    lost = {kind: np.array([[read(kind, rate, seed, size) for rate in tried] for seed in size.seeds]) for kind in KINDS}
    typical = {kind: np.median(of, axis=0) for kind, of in lost.items()}
    if not size.small:
        steep = {kind: of[2] for kind, of in typical.items()}
        expect(2 * steep["norm"] < steep["none"], f"the network at a rate of {tried[2]:.2f}: {steep}")
        least = {kind: of.min() for kind, of in typical.items()}
        expect(least["none"] < 1.5 * min(least.values()), f"the network needs to be clipped at any rate: {least}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        w, b = np.meshgrid(np.linspace(0, 8, 101), np.linspace(-5, 2, 101))
        left.contourf(w, b, losses(np.array([w.ravel(), b.ravel()])).reshape(w.shape), 12, cmap="Greys")
        for k, (kind, path) in enumerate(example((best["none"][0], 0.1)).items()):
            left.plot(*path[:16].T, ls=DASHES[k], marker=".", ms=4, lw=1, color=COLORS[k], label=KINDS[kind])
        left.set(xlim=(0, 8), ylim=(-5, 2), xlabel="w", ylabel="b", title="the unit's loss, dark: high; 15 steps")
        left.legend(fontsize=8)
        curves(right, [(KINDS[kind], lost[kind]) for kind in KINDS], x=tried)
        right.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="loss on test images [nats]")
        right.set_title("the network")

    rows = [
        [f"unit, {KINDS[kind]}", best[kind][0], best[kind][1] if kind != "none" else "", np.median(missed[kind]), ""]
        for kind in KINDS
    ]
    rows += [
        [f"network, {KINDS[kind]}", rate, next(iter(LIMITS[kind].values()), ""), "", typical[kind][k]]
        for kind in KINDS
        for k, rate in enumerate(tried)
    ]
    k = 0 if size.small else 2
    return Finding(
        Verdict.IN_PART,
        f"Over {len(size.seeds)} seeds, {min(missed['none']):.0f} to {max(missed['none']):.0f} % of the starts never "
        f"reach the unit's minimum at the best rate; clipped by norm {max(missed['norm']):.0f} and by value "
        f"{max(missed['value']):.0f} % at most. The network is rescued where the rate is too large: at {tried[k]:.2f} "
        f"its test loss is {typical['none'][k]:.2f}, by norm {typical['norm'][k]:.2f}, by value "
        f"{typical['value'][k]:.2f}. At its best rate it needs no clipping ({min(typical['none']):.2f}, "
        f"{min(typical['norm']):.2f} and {min(typical['value']):.2f}).",
        Table(("what", "rate", "limit", "% that never arrive", "test loss"), rows),
        draw,
        height=3.6,
    )
