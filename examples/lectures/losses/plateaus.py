"""Claim 17. Logistic outputs that are saturated and wrong sit on a plateau if the loss is the squared error; with
cross-entropy they do not.

Lecture: training methods, losses.

Ten logistic outputs, one a digit, of a linear model of 64 pixels begin with biases of 0, 5 or 10: at 10 each says yes
to every picture, and is wrong nine times of ten with a certainty of 0.99995. Both losses are means over the outputs;
counted are the steps of SGD with momentum 0.9, in batches of 64, until outputs are off by less than 0.05 on average.
The learning rate is searched for each loss on 2 seeds of its own, over 9 values, for the fewest steps: where nothing is
saturated, with a bias of 0, and once more with a bias of 10. Adam, which does not see how small a gradient is, has the
same search for the squared error.

Source: Nielsen (2015), "Neural networks and deep learning", chapter 3.
"""

# N samples, D = 64 pixels, K = 10 outputs

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ddtrain import nn, ops, optim
from ddtrain.ops.losses.common import one_hot
from ddtrain.recipes import images
from ddtrain.recipes.picture_options import PictureConfig
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.training import fitted, so_many
from examples.lectures.tuning import Tuned, rates, tune

Array = np.ndarray[Any, Any]
BIASES = (0.0, 5.0, 10.0)
LEARNED = 0.05  # by which outputs are off on average; 0.1 is no to everything


def squared(logits_NK: Any, targets_NK: Any) -> Any:
    return ops.squared_error(ops.sigmoid(logits_NK), targets_NK)


class Way(NamedTuple):
    """A loss of logits and targets, an optimizer of a learning rate, and the rates that are searched."""

    loss: Callable[[Any, Any], Any]
    optimizer: Callable[[float], optim.Optim]
    rates: tuple[float, float]


WAYS = {
    "squared error": Way(squared, lambda lr: optim.Sgd(lr=lr), (0.1, 1000.0)),
    "cross-entropy": Way(ops.binary_cross_entropy_with_logits, lambda lr: optim.Sgd(lr=lr), (0.1, 1000.0)),
    "squared error, Adam": Way(squared, lambda lr: optim.Adam(lr=lr), (0.001, 10.0)),
}


class Outputs(nn.Module):
    """A linear model whose biases begin at one number."""

    def __init__(self, bias: float) -> None:
        self.weight = nn.param((64, 10), nn.init.fan_in_uniform)
        self.bias = nn.param((10,), nn.init.Constant(value=bias))

    def forward(self, x_ND: Any) -> Any:
        return ops.linear(x_ND, self.weight, self.bias)


def train(name: str, bias: float, lr: float, steps: int, seed: int) -> tuple[Array, float]:
    """(steps,) by how much outputs are off; and the length of the first gradient."""

    def loss(model: Any, x_ND: Any, labels_N: Any) -> tuple[Any, dict[str, Any]]:
        logits_NK = model(x_ND)
        targets_NK = one_hot(labels_N, 10, logits_NK.dtype)
        return WAYS[name].loss(logits_NK, targets_NK), {"off": abs(ops.sigmoid(logits_NK) - targets_NK).mean(-1)}

    task = images.digits(PictureConfig(), Outputs(bias), lambda _: loss)
    run = fitted(task, optim=WAYS[name].optimizer(lr), seed=seed, **so_many(steps))
    if run is None:
        return np.full(steps, np.inf), np.nan
    return run.history["off"], float(run.history["grad_norm"][0])


def steps_until(off: Array) -> float:
    """Steps until outputs are off by less than :data:`LEARNED`; infinite if they never are."""
    return float(np.argmax(off < LEARNED) + 1) if (off < LEARNED).any() else np.inf


def study(size: Size) -> Finding:
    steps, seeds, count = size(150, small=30), (10, 11)[: size(2, small=1)], size(9, small=1)
    ways = [name for name in WAYS if not size.small or name != "squared error, Adam"]

    def score(name: str, bias: float, lr: float, seed: int) -> float:
        off, _ = train(name, bias, lr, steps, seed)
        return float(min(steps_until(off), steps * (1 + off[-1])))  # where it is never learned, how near it came

    def tuned(name: str, bias: float) -> Tuned:
        settings = rates(*WAYS[name].rates, count) if count > 1 else [30.0]
        return tune(lambda lr, seed: score(name, bias, lr, seed), settings, seeds)

    best = {(name, bias): tuned(name, bias) for name in ways for bias in (BIASES[0], BIASES[-1])[: size(2, small=1)]}
    cases = [(name, chosen, bias) for name, chosen in best for bias in (BIASES if chosen == 0 else BIASES[-1:])]
    runs = {
        (name, chosen, bias): [train(name, bias, best[name, chosen].setting, steps, seed) for seed in size.seeds]
        for name, chosen, bias in cases
    }
    until = {case: float(np.median([steps_until(off) for off, _ in runs[case]])) for case in cases}
    first = {case: float(np.median([length for _, length in runs[case]])) for case in cases}
    end = {case: float(np.median([off[-1] for off, _ in runs[case]])) for case in cases}
    fallen, risen = first["squared error", 0.0, 10.0], first["cross-entropy", 0.0, 10.0]
    expect(fallen < first["squared error", 0.0, 0.0] / 500, f"the squared error's gradient should vanish: {first}")
    expect(risen > first["cross-entropy", 0.0, 0.0], f"cross-entropy's should not: {first}")
    expect(until["cross-entropy", 0.0, 10.0] < steps, f"cross-entropy should learn all the same: {until}")
    expect(until["squared error", 0.0, 10.0] > 3 * until["cross-entropy", 0.0, 10.0], f"the other should wait: {until}")
    if not size.small:  # where rates have been searched
        expect(abs(end["squared error", 10.0, 10.0] - 0.1) < 0.02, f"high rates should end at no to everything: {end}")
        expect(until["squared error", 10.0, 10.0] > 2 * until["cross-entropy", 10.0, 10.0], f"and so anew: {until}")

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        for axis, name in zip(axes, ("squared error", "cross-entropy")):
            shown = {bias: np.array([off for off, _ in runs[name, 0.0, bias]]) for bias in BIASES}
            curves(axis, [(f"biases begin at {bias:g}", rows) for bias, rows in shown.items()])
            rate = best[name, 0.0].setting
            axis.set(yscale="log", xlim=(0, 100), xlabel="step", title=f"{name}, rate {rate:.0f}")
        axes[0].set_ylabel("outputs are off by, on average")

    def told(*case: Any) -> str:
        return f"{until[case]:.0f}" if np.isfinite(until[case]) else f"more than {steps}"

    anew = [f"{name} {told(name, 10.0, 10.0)} (off by {end[name, 10.0, 10.0]:.2g} at last)" for name, at in best if at]
    return Finding(
        Verdict.HOLDS,
        "From biases of 0 to 10 the first gradient of the squared error falls from "
        f"{first['squared error', 0.0, 0.0]:.2g} to {fallen:.1g}, while that of cross-entropy goes from "
        f"{first['cross-entropy', 0.0, 0.0]:.2g} to {risen:.2g} (medians of {len(size.seeds)} seeds). At the rates "
        "that are best where nothing is saturated, the squared error needs "
        f"{', '.join(told('squared error', 0.0, bias) for bias in BIASES)} steps with biases of 0, 5 and 10, "
        f"cross-entropy {', '.join(told('cross-entropy', 0.0, bias) for bias in BIASES)}. A higher rate does not "
        "help: it carries outputs to the plateau on the other side, no to everything, which is off by 0.1. With "
        f"rates searched anew at 10 the steps are: {'; '.join(anew)}.",
        Table(
            (
                "loss",
                "biases",
                "rate",
                "best with biases of",
                "first gradient",
                f"steps until off by {LEARNED}",
                "off at last",
            ),
            [
                (
                    name,
                    f"{bias:g}",
                    best[name, chosen].setting,
                    f"{chosen:g}",
                    first[name, chosen, bias],
                    until[name, chosen, bias],
                    end[name, chosen, bias],
                )
                for name, chosen, bias in cases
            ],
        ),
        draw,
    )
