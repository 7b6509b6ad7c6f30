"""Claim 13. The mean of copies of a network whose hidden units are permuted is a degenerate network, so that the loss
cannot be convex in the weights.

Lecture: optimisation, convexity and symmetries.

A perceptron 64-16-10 with tanh is trained on the digits (400 steps of SGD with momentum 0.9 at a rate of 0.1). A copy
with permuted hidden units computes the same; the training loss is followed on the line between the two, and measured at
the mean of m permuted copies, up to the mean over all 16! of them, whose units are all one. A convex function is never
above the mean of its values. Beside it stand a line without a permutation, between steps 300 and 400 of the run, and
one between two runs of softmax regression, whose loss is convex.

Source: Goodfellow, Bengio, Courville (2016), "Deep learning", section 8.2.2.
"""

# D = 64 pixels, H = 16 hidden units, K = 10 classes

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import ddtrain
from ddtrain import nn, optim
from ddtrain.models import Mlp
from ddtrain.recipes import classifier
from ddtrain.recipes.picture_options import ClassifierConfig
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.training import fitted, so_many

Array = np.ndarray[Any, Any]
Values = dict[str, Array]
UNITS = 16
NET, REGRESSION = Mlp((64, UNITS, 10), activation="tanh"), nn.Linear(64, 10)
OF_UNITS = {"layers.0.weight": 1, "layers.0.bias": 0, "layers.2.weight": 0}  # the axes of hidden units
COPIES = (1, 2, 4, 8, 16, 32)


def trained(model: nn.Module, steps: int, seed: int) -> list[Values]:
    """Values after three quarters of the steps, and after all."""
    task = classifier.digits(ClassifierConfig(), model)
    run = fitted(task, optim=optim.Sgd(lr=0.1), seed=seed, checkpoint={"every": steps // 4}, **so_many(steps))
    assert run is not None, "a rate of 0.1 does not diverge"
    return [nn.from_torch(model, run.snapshot(checkpoint).model) for checkpoint in run.checkpoints[-2:]]


def permuted(values: Values, order: Array) -> Values:
    """The same network with its hidden units in another order."""
    return values | {path: np.take(values[path], order, axis) for path, axis in OF_UNITS.items()}


def mean(several: Sequence[Values], weights: Sequence[float] | None = None) -> Values:
    """The weighted mean of several networks' values."""
    return {
        path: np.average([values[path] for values in several], 0, weights).astype(np.float32) for path in several[0]
    }


def all_alike(values: Values) -> Values:
    """The mean over all permutations: every unit is the mean of all."""
    means = {path: values[path].mean(axis, keepdims=True) for path, axis in OF_UNITS.items()}
    return values | {path: np.broadcast_to(x, values[path].shape).copy() for path, x in means.items()}


@cache
def _task(model: nn.Module) -> ddtrain.Task:
    return classifier.digits(ClassifierConfig(), model)


def measured(model: nn.Module, values: Values) -> dict[str, float]:
    """Training loss and accuracy."""
    return ddtrain.evaluate(model.bind(values), _task(model).loss, _task(model).train)


def line(model: nn.Module, one: Values, other: Values, along: Array) -> Array:
    """The losses at some places between the one and the other."""
    return np.array([measured(model, mean([one, other], (1 - t, t)))["loss"] for t in along])


class Seen(NamedTuple):
    """What one trained network shows.

    Attributes
    ----------
    off : by how much the losses of a permuted copy and of itself differ, beside the loss
    lines : losses along each of the three
    copies : loss and accuracy of the mean of so many permuted copies
    alike : the same of the mean of all permutations
    """

    off: float
    lines: dict[str, Array]
    copies: list[dict[str, float]]
    alike: dict[str, float]


def look(steps: int, along: Array, seed: int) -> Seen:
    """Train, permute, and go about between the copies."""
    rng = np.random.default_rng(seed)
    before, values = trained(NET, steps, seed)
    copies = [values, *(permuted(values, rng.permutation(UNITS)) for _ in range(COPIES[-1] - 1))]
    one, other = (trained(REGRESSION, steps, which)[-1] for which in (seed, seed + 100))
    lines = {
        "to a permuted copy": line(NET, values, copies[1], along),
        "between two steps of a run": line(NET, before, values, along),
        "between two softmax regressions": line(REGRESSION, one, other, along),
    }
    own, same = (measured(NET, copy)["loss"] for copy in copies[:2])
    at = [measured(NET, mean(copies[:count])) for count in COPIES]
    return Seen(abs(same / own - 1), lines, at, measured(NET, all_alike(values)))


def study(size: Size) -> Finding:
    along = np.linspace(0, 1, size(21, small=5))
    seen = [look(size(400, small=60), along, seed) for seed in size.seeds]
    lines = {name: np.array([one.lines[name] for one in seen]) for name in seen[0].lines}
    losses, accuracies = (np.array([[at[k] for at in one.copies] for one in seen]) for k in ("loss", "accuracy"))
    alike, learned = (np.array([one.alike[k] for one in seen]) for k in ("loss", "accuracy"))
    off = max(one.off for one in seen)
    expect(off < 1e-5, f"a permuted copy should compute the same: its loss is off by {off:.1e}")
    expect((losses[:, 1] > 2 * losses[:, 0]).all(), f"halfway to a copy the loss should be higher: {losses}")
    expect((alike > losses[:, 1]).all() and (learned < 0.4).all(), f"equal units should know little: {learned}")
    run, convex = lines["between two steps of a run"], lines["between two softmax regressions"]
    expect((run.max(axis=1) < 1.05 * run[:, [0, -1]].max(axis=1)).all(), f"no hill along a run: {run}")
    chord = convex[:, :1] * (1 - along) + convex[:, -1:] * along
    expect((convex < chord + 1e-6).all(), f"softmax regression should lie below its chord: {convex - chord}")

    def draw(figure: Any) -> None:
        between, copies = figure.subplots(1, 2)
        curves(between, lines.items(), along)
        between.set(ylim=(0, 0.55), xlabel="place between the two", ylabel="training loss (nats)")
        between.legend(loc="upper left", fontsize=8)
        curves(
            copies,
            [("of permuted copies", losses), ("of all permutations", np.repeat(alike[:, None], len(COPIES), 1))],
            COPIES,
        )
        copies.axhline(np.log(10), color="black", lw=0.8)
        copies.annotate("chance", (1, 0.8 * np.log(10)))
        copies.set(xscale="log", yscale="log", xlabel="copies in the mean", ylabel="training loss (nats)")
        copies.set_xticks(COPIES, [str(count) for count in COPIES], minor=False)

    return Finding(
        Verdict.HOLDS,
        f"A permuted copy has the same loss to {off:.0e}, {np.median(losses[:, 0]):.3g} (medians of {len(seen)} "
        f"networks); halfway to it the loss is {np.median(losses[:, 1]):.2g}, at the mean of 32 copies "
        f"{np.median(losses[:, -1]):.2g}, and at the mean of all permutations {np.median(alike):.2g} (chance has ln "
        f"10 = 2.3), with {np.median(learned):.0%} of the digits right. A convex function would be at most "
        f"{np.median(losses[:, 0]):.3g} there. It is the permutation, not the averaging: between two steps of a run "
        "there is no hill, and softmax regression, which is convex, never lies above its chord.",
        Table(
            ("mean of", "training loss", "training accuracy"),
            [
                *(
                    (
                        f"{count} permuted copies" if count > 1 else "the network itself",
                        np.median(losses[:, k]),
                        f"{np.median(accuracies[:, k]):.1%}",
                    )
                    for k, count in enumerate(COPIES)
                ),
                ("all permutations", np.median(alike), f"{np.median(learned):.1%}"),
            ],
        ),
        draw,
    )
