"""Claim 38. Batch-norm synchronised over ranks trains the network that one rank would have trained with the whole
batch; statistics of each rank's own samples train another one, and a worse one the fewer samples a rank has.

Lecture: distributed training, batch-norm over several ranks.

Perceptrons of two hidden layers of 64 on the digits, and a small convolutional network, on four ranks with b samples
each, for 150 steps. Both kinds of statistics have their learning rate chosen from the same five by the same tuning
seed, on held-out training images, for each b anew; loss and errors are those of 360 test images. That synchronised
ranks are one rank is measured, and that four ranks with statistics of their own are four shards of one; the long runs
then are the quicker of the two. Peng et al. (2018), "MegDet", arXiv:1711.07240, synchronised 128 GPUs with two images
each; Hoffer et al. (2017), arXiv:1705.08741, make a virtue of statistics of few samples, "ghost batches".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import ddtrain
from ddtrain import nn
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, curves
from examples.lectures.normalization._digits import TUNING_SEEDS, error, judged, trained, weights
from examples.lectures.tuning import rates, tune

RANKS = 4
RATES = rates(0.003, 0.3, 5)
KINDS = {True: "over all ranks", False: "of each rank"}


class Perceptron(nn.Module):
    def __init__(self, sync: bool) -> None:
        hidden = [(nn.Linear(64, 64, bias=False), nn.BatchNorm(64, sync=sync), nn.relu()) for _ in range(2)]
        self.layers = nn.Sequential(*hidden[0], *hidden[1], nn.Linear(64, 10))

    def forward(self, x: Any) -> Any:
        return self.layers(x)


class Convolutions(nn.Module):
    """A sample brings 64 values of each of eight channels, and then 16 of each of sixteen."""

    def __init__(self, sync: bool) -> None:
        first = nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm(8, sync=sync), nn.relu(), nn.MaxPool2d(2)
        second = nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm(16, sync=sync), nn.relu(), nn.Flatten()
        self.layers = nn.Sequential(*first, *second, nn.Linear(16 * 4 * 4, 10))

    def forward(self, x: Any) -> Any:
        return self.layers(x.reshape(len(x), 8, 8, 1))


def distances(steps: int) -> list[float]:
    """How far apart two networks end at most, in float64: four ranks from one with the same batches, synchronised and
    not; and four shards from four ranks.
    """
    options: dict[str, Any] = {"dtype": "float64", "lr": 0.05, "seed": 0, "steps": steps, "batch_size": 4 * RANKS}
    options["plan"] = {"enabled": False}  # so few steps are not worth one
    ranks, parts = {"backend": f"threads:{RANKS}"}, {"run": {"shards": RANKS}}
    one, shared, own, shards = (
        weights(trained(Perceptron(sync), **options, **more))
        for sync, more in ((True, {}), (True, ranks), (False, ranks), (False, parts))
    )
    pairs = (one, shared), (one, own), (own, shards)
    return [max(float(np.abs(a[path] - b[path]).max()) for path in a) for a, b in pairs]


@dataclass(frozen=True)
class Compared:
    """Test loss over seeds, and percent of errors at the median, by whether statistics are synchronised."""

    loss: dict[bool, list[float]]
    error: dict[bool, float]

    def row(self) -> list[float]:
        return [float(np.median(self.loss[True])), float(np.median(self.loss[False])), *self.error.values()]


def compare(kind: Any, each: int, size: Size) -> Compared:
    """Networks on ``each`` samples a rank, with synchronised statistics and without."""
    runs = {sync: networks(kind, sync, each, size) for sync in KINDS}
    return Compared(
        {sync: [judged(run) for run in runs[sync]] for sync in KINDS},
        {sync: float(np.median([error(run) for run in runs[sync]])) for sync in KINDS},
    )


def networks(kind: Any, sync: bool, each: int, size: Size) -> list[ddtrain.Run | None]:
    """Trained at the best of the rates, one a seed."""
    parts: dict[str, Any] = {"plan": {"enabled": not size.small}}  # few steps are not worth one
    parts |= {} if sync else {"run": {"shards": RANKS}}
    steps = size(150, small=15)

    def run(lr: float, seed: int, tuning: bool = False) -> ddtrain.Run | None:
        return trained(kind(sync), lr, seed, steps, RANKS * each, tuning, **parts)

    score = lambda lr, seed: judged(run(lr, seed, tuning=True))
    lr = RATES[2] if size.small else tune(score, RATES, TUNING_SEEDS[:1]).setting
    return [run(lr, seed) for seed in size.seeds]


def study(size: Size) -> Finding:
    shared, own, shards = distances(size(20, small=3))
    expect(shared < 1e-10, f"synchronised, four ranks are {shared:.0e} from one")
    expect(own > 1e-4, f"with statistics of their own, four ranks are only {own:.0e} from one")
    expect(shards == 0, f"four shards are {shards:.0e} from four ranks")
    samples = (1, 16) if size.small else (1, 2, 4, 16)
    rows = {b: compare(Perceptron, b, size) for b in samples}
    pictures = compare(Convolutions, 1, size)
    for b in samples[:-1]:
        expect(min(rows[b].loss[False]) > max(rows[b].loss[True]), f"{b} a rank: {rows[b].loss}")
    expect(rows[1].error[False] > 80, f"one sample a rank has taught something: {rows[1].error[False]} % are wrong")
    for name, at in (("16 samples a rank", rows[16]), ("convolutions", pictures)):
        ratio = float(np.median(at.loss[False]) / np.median(at.loss[True]))
        expect(ratio < 1.5, f"{name}: without synchronisation {ratio:.2f} times the loss")

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        lines = [(f"perceptron, statistics {KINDS[sync]}", [rows[b].loss[sync] for b in samples]) for sync in KINDS]
        curves(axis, [(label, np.transpose(losses)) for label, losses in lines], x=samples)
        for sync, mark, color in zip(KINDS, "xo", COLORS):
            label = f"convolutions, one sample a rank, {KINDS[sync]}"
            axis.plot([16] * len(size.seeds), pictures.loss[sync], mark, mfc="none", color=color, label=label)
        axis.set(xscale="log", yscale="log", ylabel="loss on test images [nats]")
        axis.set_xlabel("values of a channel that each of four ranks has, in the layer that has the fewest")
        axis.set_xticks(samples, map(str, samples))
        axis.minorticks_off()
        axis.legend(fontsize=8)

    few = ", ".join(f"{rows[b].error[False]:.0f} against {rows[b].error[True]:.0f} % at {b}" for b in samples[:-1])
    return Finding(
        Verdict.IN_PART,
        f"Synchronised, four ranks end within {shared:.0e} of one rank, with their own statistics {own:.1f} from it. "
        f"A perceptron then errs more, the fewer samples a rank has ({few}), and no more at 16 "
        f"({rows[16].error[False]:.1f} against {rows[16].error[True]:.1f} %). What counts are values of a channel, not "
        f"samples: a convolutional network with one sample a rank, of 16 pixels and more, has a loss of "
        f"{np.median(pictures.loss[False]):.2f} without and {np.median(pictures.loss[True]):.2f} with synchronisation.",
        Table(
            ("network, samples a rank", *(f"{what}, {KINDS[sync]}" for what in ("loss", "% wrong") for sync in KINDS)),
            [*((f"perceptron, {b}", *rows[b].row()) for b in samples), ("convolutions, 1", *pictures.row())],
        ),
        draw,
    )
