"""Claim 5. Along a constant gradient momentum reaches the terminal velocity −α/(1 − μ) · ∂J/∂θ; and the three forms of
momentum are one method after a change of variables.

Lecture: optimisation, momentum.

A linear loss of ten weights, on which ``optim.Sgd`` takes 1,500 steps of rate 0.01 in each of its three forms;
friction's rate is α/(1 − μ), which is the change of variables. Then a network of 64, 8 and 10 tanh units on 200 digits,
all of them in each of 120 steps, in float64: at a constant rate, and at one that falls to a tenth after half of them.

Polyak (1964); Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from ddtrain.optim import Sgd
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.quadratics._vectors import Array, VectorObjective, descend_on, digits_network

Form = Literal["pytorch", "lecture", "friction"]
FORMS: tuple[Form, ...] = get_args(Form)
MOMENTA = (0.5, 0.9, 0.99)


def points(objective: VectorObjective, start: Array, form: Form, momentum: float, lrs: Array) -> Array:
    """(steps + 1, D), at the rates of the lecture's form."""
    own = 1 / (1 - momentum) if form == "friction" else 1.0
    return descend_on(objective, start, Sgd(momentum=momentum, momentum_form=form), lrs * own)[0]


def velocities(form: Form, momentum: float, steps: int, seed: int) -> Array:
    """(steps,) along a constant gradient, beside the terminal one."""
    slope_D = np.random.default_rng(seed).standard_normal(10)
    objective, lrs = VectorObjective(lambda x_D: slope_D @ x_D), np.full(steps, 0.01)
    terminal_D = -0.01 / (1 - momentum) * slope_D
    found: Array = np.diff(points(objective, np.zeros(10), form, momentum, lrs), axis=0) @ terminal_D
    return found / (terminal_D @ terminal_D)


def apart(ways: Mapping[Form, Array]) -> float:
    """How far from the lecture's form the others end, beside the length of its way."""
    end, start = ways["lecture"][-1], ways["lecture"][0]
    return max(float(np.linalg.norm(way[-1] - end) / np.linalg.norm(end - start)) for way in ways.values())


def study(size: Size) -> Finding:
    steps, half = size(1500, small=1200), size(60, small=10)
    speeds, off = {}, 0.0
    for momentum in MOMENTA:
        told = 1 - momentum ** np.arange(1, steps + 1)
        speeds[momentum] = [velocities(form, momentum, steps, seed) for form in FORMS for seed in size.seeds]
        off = max(off, float(np.abs(speeds[momentum] - told).max()))
        expect(np.abs(np.array(speeds[momentum])[:, -1] - 1).max() < 1e-4, f"μ = {momentum}: not the terminal velocity")
    expect(off < 1e-11, f"velocities are off 1 − μ^k by {off}")
    waits = [1 + int(np.argmax(each[0] > 0.99)) for each in speeds.values()]
    rates = {"constant": np.full(2 * half, 0.1), "falling": np.repeat([0.1, 0.01], half)}
    losses, far = {}, {}
    for name, lrs in rates.items():
        networks = [digits_network(8, 200, seed) for seed in size.seeds]
        ways = [{form: points(*network, form, 0.9, lrs) for form in FORMS} for network in networks]
        far[name] = [apart(way) for way in ways]
        losses[name] = {
            form: np.array([[loss.loss(x) for x in way[form]] for (loss, _), way in zip(networks, ways)])
            for form in FORMS
        }
    expect(max(far["constant"]) < 1e-12, f"at a constant rate, the forms end {far['constant']} apart")
    expect(min(far["falling"]) > 0.05, f"at a falling rate, the forms end {far['falling']} apart")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        curves(left, [(f"μ = {momentum}", each) for momentum, each in speeds.items()], np.arange(1, steps + 1))
        left.set(xlabel="step", ylabel="velocity, over −α/(1 − μ) · ∂J/∂θ", xscale="log")
        curves(right, [(form, each) for form, each in losses["falling"].items()])
        right.axvline(half, color="gray", lw=0.8)
        right.set(xlabel="step; the rate falls to a tenth at the line", ylabel="loss of the network (nats)")

    return Finding(
        Verdict.IN_PART,
        f"The velocity after k steps is 1 − μ^k of the terminal one to {off:.0e}, so that 99 % of it takes {waits[0]}, "
        f"{waits[1]} and {waits[2]} steps at μ = 0.5, 0.9 and 0.99. At a constant rate the three forms train a network "
        f"to the same weights, to {max(far['constant']):.0e}; but where it falls to a tenth, the lecture's keeps its "
        f"velocity, the others slow down at once, and they end {min(far['falling']):.0%} to {max(far['falling']):.0%} "
        f"of the way apart.",
        Table(
            ("rate", "form", "loss: lowest", "median", "highest", "largest distance to the lecture's"),
            [
                (name, form, *np.quantile(each[:, -1], (0.0, 0.5, 1.0)), max(far[name]))
                for name, forms in losses.items()
                for form, each in forms.items()
            ],
        ),
        draw,
    )
