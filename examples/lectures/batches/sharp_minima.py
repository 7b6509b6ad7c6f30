"""Claim 24. Large batches find sharper minima, which generalise worse than those of small batches.

Lecture: training deep networks, the size of a batch.

A perceptron of 64 hidden units learns 1,000 pictures of clothes, 14×14 pixels, by plain gradient descent, with batches
of 10 and of 100 (of 10 %, the paper's large batch), until its loss on all of them is below 0.1; 150 epochs at most.
Sharpness is Keskar's, in percent of 1 + loss, in the whole space and in a random subspace of 100 dimensions, ε = 10⁻³.
Both sizes have the same four learning rates, so that they meet at the same rate, at a rate scaled with the batch, and
each at its best, which 1,000 other pictures and two other seeds choose; errors are of 4,000 more.

Keskar, Mudigere, Nocedal, Smelyanskiy, Tang, arXiv:1609.04836; Jastrzębski et al., arXiv:1711.04623 (rate over batch).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

import ddtrain
from ddtrain import nn, optim
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.diagnose.curvature.sharpness import sharpness
from ddtrain.models import Mlp
from ddtrain.recipes.common import classify
from ddtrain.runs.diagnosing import OpenedRun
from ddtrain.runs.diagnosing.training_loss import TrainingLoss
from examples.lectures.batches._clothes import Clothes, clothes, train
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS
from examples.lectures.tuning import tune

SMALL, LARGE = 10, 100
RATES = (0.03, 0.1, 0.3, 1.0)
SAME = (0.1, 0.3)  # rates at which both sizes learn the pictures
SCALED = (0.3, 0.03)  # rates of the large batch and of the small one, in proportion to their sizes
NETWORK = nn.Sequential(nn.Flatten(), Mlp((196, 64, 10)))
Array = np.ndarray[Any, Any]


class Minimum(NamedTuple):
    """Where a run has ended: its loss, sharpness in percent in the whole space and in a subspace, errors in percent."""

    loss: float
    whole: float
    subspace: float
    valid: float
    test: float


class Learned(ddtrain.Callback):
    """Stop when the loss of all training pictures is below some number; or after six epochs, still that of chance.

    It is looked at after every other epoch.
    """

    def __init__(self, below: float, steps_per_epoch: int) -> None:
        self.below, self.steps_per_epoch = below, steps_per_epoch

    def step(self, run: Any) -> None:
        if run.step % (2 * self.steps_per_epoch) == 0:
            loss = ddtrain.evaluate(run.model, run.task, run.task.train, batch_size=1000)["loss"]
            if loss < self.below or (run.epoch >= 5 and loss > 2.0):  # chance is log 10, 2.3
                run.stop()


def minimum(given: Clothes, batch: int, lr: float, seed: int, size: Size) -> Minimum | None:
    """Where training ends; None where it diverges."""
    pictures = len(given.train[0])
    options = {
        "optim": optim.Sgd(lr=lr, momentum=0.0),
        "batch_size": batch,
        "epochs": size(150, small=60),
        "seed": seed,
        "callbacks": [Learned(0.5 if size.small else 0.1, pictures // batch)],
    }
    found = train(NETWORK, given, options)
    if found is None:
        return None
    opened = OpenedRun(LocalCommunicator(), found.run.path, ddtrain.Task(NETWORK, classify, train=given.train))
    point = opened.point("last")
    opened.stand_at(point)
    loss = TrainingLoss(opened.train_step, [(0, np.arange(pictures))])
    whole, subspace = (sharpness(loss, point.x, dimensions=dimensions).percent for dimensions in (0, 100))
    return Minimum(found.loss, whole, subspace, found.valid, found.test)


Minima = Mapping[tuple[int, float], list[Minimum | None]]  # by batch and rate, one a seed


def column(found: list[Minimum | None], what: str) -> Array:
    """One of the figures, of each seed; infinite where it has diverged."""
    return np.array([np.inf if one is None else getattr(one, what) for one in found])


def pictured(figure: Any, minima: Minima) -> None:
    """Sharpness by rate, with medians as lines, and errors by sharpness, of what has learned the pictures."""
    left, right = figure.subplots(1, 2)
    for (batch, marker), color in zip(((SMALL, "o"), (LARGE, "s")), COLORS, strict=False):
        rates = sorted(lr for size, lr in minima if size == batch)
        learned = {lr: [one for one in minima[batch, lr] if one is not None and one.loss < 0.15] for lr in rates}
        middle = {lr: np.median([one.whole for one in found]) for lr, found in learned.items() if found}
        points = [(lr, one.whole, one.test) for lr, found in learned.items() for one in found]
        look = {"color": color, "marker": marker, "ls": "", "ms": 4, "label": f"batches of {batch}"}
        left.plot(list(middle), list(middle.values()), color=color)
        left.plot([lr for lr, _, _ in points], [sharp for _, sharp, _ in points], **look)
        right.plot([sharp for _, sharp, _ in points], [error for _, _, error in points], **look)
    left.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="sharpness, % of 1 + loss")
    left.set_xticks(RATES, [f"{lr:g}" for lr in RATES])
    left.set_yticks((0.5, 1, 2, 5), ("0.5", "1", "2", "5"))
    left.minorticks_off()
    right.set(xlabel="sharpness, % of 1 + loss", ylabel="test error, %")
    left.legend(fontsize=8)


def study(size: Size) -> Finding:
    given = clothes(size(1000, small=300), test=size(4000, small=500))
    rates, same = (SAME[:1], SAME[:1]) if size.small else (RATES, SAME)
    minima: Minima = {
        (batch, lr): [minimum(given, batch, lr, seed, size) for seed in size.seeds]
        for batch in (SMALL, LARGE)
        for lr in rates
    }

    def chosen(batch: int) -> float:
        def error(lr: float, seed: int) -> float:
            return float(column([minimum(given, batch, lr, seed, size)], "valid")[0])

        return float(tune(error, rates, seeds=(10,) if size.small else (10, 11)).setting)

    def sharper(large: float, small: float, what: str = "whole") -> Array:
        return column(minima[LARGE, large], what) / column(minima[SMALL, small], what)

    best = {batch: chosen(batch) for batch in (SMALL, LARGE)}
    at_same = [sharper(lr, lr) for lr in same]
    in_subspace = np.concatenate([sharper(lr, lr, "subspace") for lr in same])
    worse = np.concatenate([column(minima[LARGE, lr], "test") - column(minima[SMALL, lr], "test") for lr in same])
    at_best = column(minima[LARGE, best[LARGE]], "test") - column(minima[SMALL, best[SMALL]], "test")
    scaled = sharper(*SCALED) if not size.small else np.ones(1)
    unlearned = max(column(minima[batch, lr], "loss").max() for batch in (SMALL, LARGE) for lr in same)
    expect(unlearned < size(1, small=4) * 0.15, f"the pictures are not learned: a loss of {unlearned:.2f}")
    if not size.small:  # which ends where the loss is 0.5, far from a minimum
        expect(all((each > 1.5).all() for each in at_same), f"at the same rate no sharper: {at_same}")
        expect(np.median(in_subspace) > 1, f"in a subspace no sharper: {in_subspace}")
        expect(np.median(scaled) < 1.3, f"with the rate scaled sharper all the same: {scaled}")
        expect(abs(np.median(worse)) < 1 and abs(np.median(at_best)) < 1, f"generalise differently: {worse}, {at_best}")

    low, high = min(map(np.min, at_same)), max(map(np.max, at_same))
    return Finding(
        Verdict.IN_PART,
        f"At the same learning rate the minima of ten times as large a batch are {low:.1f} to {high:.1f} times as "
        f"sharp ({in_subspace.min():.1f} to {in_subspace.max():.1f} times in the random subspace), but with a rate ten "
        f"times as large {scaled.min():.1f} to {scaled.max():.1f} times, so it is rate over batch that decides; and "
        f"sharper ones generalise no worse here: errors differ by {worse.min():+.1f} to {worse.max():+.1f} points at "
        f"the same rate, and by {at_best.min():+.1f} to {at_best.max():+.1f} at rates chosen for each size.",
        Table(
            ("batch, learning rate", "loss", "sharpness, %", "in a subspace, %", "test error, %"),
            [
                (
                    f"{batch}, {lr:g}",
                    *(np.median(column(found, what)) for what in ("loss", "whole", "subspace", "test")),
                )
                for (batch, lr), found in minima.items()
            ],
        ),
        lambda figure: pictured(figure, minima),
    )
