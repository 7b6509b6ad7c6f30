"""Claim 23. Mini-batches are better than the full batch at equal work; and late in training their noise helps.

Lecture: optimisation, stochastic gradient descent.

A perceptron with a hidden layer of 64 on 1,078 digits, by SGD with momentum: samples seen until the training loss, over
the latest 320 samples or the latest step, is below 0.1, in batches of 16, of 128 and of all, each at the best of five
rates. Late: after two epochs in batches of 16, 300 more steps in batches of 16 or of all, so that only the noise
differs, each at the best of four rates: of the perceptron, of softmax regression, which is convex, and of the
perceptron where a fifth of the labels is drawn anew. Rates are chosen on one tuning seed, late ones by 359 held-out
images; 360 test images judge. Bottou, Bousquet (2007), "The tradeoffs of large scale learning".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

import ddtrain
from ddtrain import nn
from ddtrain.data import ArrayData
from ddtrain.models import Mlp
from ddtrain.trainer.task import Task
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, DASHES
from examples.lectures.normalization._digits import TUNING_SEEDS, digits, judged, tested, trained_on, weights
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
ALL = 1078
EPOCHS = {16: 8, 128: 20, ALL: 60}  # enough for each
PERCEPTRON, SOFTMAX = (64, 64, 10), (64, 10)
PROBLEMS = {"perceptron": (PERCEPTRON, 0.0), "softmax regression": (SOFTMAX, 0.0), "wrong labels": (PERCEPTRON, 0.2)}
RATES, LATE_RATES = rates(0.01, 1.0, 5), rates(0.005, 0.32, 4)


class Continued(Mlp):
    """A perceptron that begins with given weights."""

    def __init__(self, widths: tuple[int, ...], start: Mapping[str, Any]) -> None:
        super().__init__(widths)
        self.widths, self.start = widths, start

    def init(self, seed: int = 0, dtype: Any = np.float32) -> Any:
        return nn.from_torch(Mlp(self.widths), self.start)


def problem(model: nn.Module, wrong: float) -> Task:
    """The digits, with a share of the training labels drawn anew."""
    task = digits(model, tuning=True)
    x, labels = task.train.batch(np.arange(len(task.train)))
    random = np.random.default_rng(0)
    drawn = np.where(random.uniform(size=len(labels)) < wrong, random.integers(0, 10, len(labels)), labels)
    return replace(task, train=ArrayData(x, drawn))


def curve(run: ddtrain.Run | None, batch: int) -> tuple[Array, Array]:
    """Epochs of work, and the training loss over the latest 320 samples or the latest step."""
    count = max(1, 320 // batch)
    losses = np.full(count, np.inf) if run is None else run.history["loss"]
    means = np.convolve(losses, np.full(count, 1 / count), "valid")
    return (np.arange(len(means)) + count) * batch / ALL, means


def work(run: ddtrain.Run | None, batch: int, target: float) -> float:
    """Epochs until the loss is below the target; infinite if it never is."""
    epochs, losses = curve(run, batch)
    below = np.flatnonzero(losses < target)
    return float(epochs[below[0]]) if len(below) else np.inf


def race(batch: int, target: float, size: Size) -> list[ddtrain.Run | None]:
    """Over seeds, at the rate that reaches the target with the least work."""
    epochs = {"epochs": EPOCHS[batch] // size(1, small=4)}

    def run(lr: float, seed: int) -> ddtrain.Run | None:
        return trained_on(digits(Mlp(PERCEPTRON), tuning=True), lr, seed, 10**6, batch, **epochs)

    score = lambda lr, seed: work(run(lr, seed), batch, target)
    lr = RATES[1 if batch < ALL else 3] if size.small else tune(score, RATES, TUNING_SEEDS[:1]).setting
    return [run(lr, seed) for seed in size.seeds]


def late(name: str, batch: int, size: Size) -> tuple[list[float], list[float]]:
    """Test loss and percent of errors over seeds: the same beginning, and then batches of this size."""
    widths, wrong = PROBLEMS[name]
    steps = size(300, small=30)

    def run(lr: float, seed: int) -> tuple[ddtrain.Run | None, Task]:
        first = trained_on(problem(Mlp(widths), wrong), 0.05, seed, size(136, small=40), 16)
        task = problem(Continued(widths, weights(first)), wrong)
        return trained_on(task, lr, seed, steps, batch), task

    score = lambda lr, seed: judged(run(lr, seed)[0])
    lr = LATE_RATES[1] if size.small else tune(score, LATE_RATES, TUNING_SEEDS[:1]).setting
    ends = [tested(*run(lr, seed)) for seed in size.seeds]
    return [end["loss"] for end in ends], [100 - 100 * end["accuracy"] for end in ends]


def study(size: Size) -> Finding:
    target, batches = (0.5, (16, ALL)) if size.small else (0.1, tuple(EPOCHS))
    runs = {batch: race(batch, target, size) for batch in batches}
    needed = {batch: [work(run, batch, target) for run in of] for batch, of in runs.items()}
    expect(2 * max(needed[16]) < min(needed[ALL]), f"epochs until a loss of {target}: {needed}")
    problems = list(PROBLEMS)[: size(3, small=1)]
    ends = {(name, batch): late(name, batch, size) for name in problems for batch in (16, ALL)}
    loss = {at: float(np.median(of[0])) for at, of in ends.items()}
    ratio = {name: loss[name, 16] / loss[name, ALL] for name in problems}
    expect(ratio["perceptron"] > 0.9, f"late, noise helps: {loss}")
    if not size.small:  # which has the perceptron alone
        expect(min(ratio["softmax regression"], ratio["wrong labels"]) > 1, f"late, noise helps: {loss}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        for k, (batch, of) in enumerate(runs.items()):
            for seed, one in enumerate(of):
                label = "" if seed else f"batches of {batch}" if batch < ALL else "the full batch"
                epochs, losses = curve(one, batch)
                some = slice(None, None, 1 + len(losses) // 150)
                left.plot(epochs[some], losses[some], color=COLORS[k], ls=DASHES[k], lw=1, label=label)
        left.set(xscale="log", yscale="log", ylim=(target / 10, 3), xlabel="samples seen, in epochs")
        left.set_ylabel("training loss [nats]")
        left.legend(fontsize=8)
        for k, batch in enumerate((16, ALL)):
            at = np.repeat(np.arange(len(problems)) + 0.1 * (2 * k - 1), len(size.seeds))
            label = "300 steps with noise, batches of 16" if batch < ALL else "without noise, the full batch"
            late_losses = np.ravel([ends[name, batch][0] for name in problems])
            right.plot(at, late_losses, "xo"[k], mfc="none", color=COLORS[k], label=label)
        right.set_xticks(range(len(problems)), problems)
        right.set(yscale="log", ylabel="loss on test images [nats]")
        right.legend(fontsize=8)

    rows = [[f"from the start, batches of {batch}", np.median(of), "", ""] for batch, of in needed.items()]
    rows += [
        [f"late, {name}, batches of {batch}", "", np.median(losses), np.median(wrong)]
        for (name, batch), (losses, wrong) in ends.items()
    ]
    told = "; ".join(f"{name} {loss[name, 16]:.3f} with and {loss[name, ALL]:.3f} without" for name in problems)
    return Finding(
        Verdict.IN_PART,
        f"Until a training loss of {target}, batches of 16 need {np.median(needed[16]):.1f} epochs of work and the "
        f"full batch {np.median(needed[ALL]):.0f}, medians over {len(size.seeds)} seeds. Late, noise does not help: as "
        f"many steps from the same point end at a test loss of {told}; but a step without noise is "
        f"{ALL // 16} times the work.",
        Table(("what", f"epochs to {target}", "test loss", "% wrong"), rows),
        draw,
    )
