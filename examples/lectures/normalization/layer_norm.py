"""Claim 20. Layer-norm works where batch-norm fails: with small batches, and in recurrent networks over sequences.

Lecture: training deep networks, layer normalisation.

Batches: perceptrons of two hidden layers of 64 on the digits, 300 steps. Sequences: the digits in 8 or 16 pieces, read
by ``h = tanh(norm(x W + h U))`` of 64 units, 200 steps of 64 images; batch-norm has the same statistics at all
positions, or its own at each, and then none for longer sequences. All have their learning rate chosen from the same
four by the same tuning seed, on held-out training images; 360 test images judge. Ba, Kiros, Hinton (2016),
arXiv:1607.06450; Cooijmans et al. (2016), "Recurrent batch normalization", arXiv:1603.09025.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import ddtrain
from ddtrain import nn, ops
from ddtrain.errors import UsageError
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.normalization._digits import TUNING_SEEDS, error, judged, trained
from examples.lectures.normalization._steps import mean_loss
from examples.lectures.tuning import rates, tune

Runs = Sequence[ddtrain.Run | None]
RATES = rates(0.003, 0.1, 4)
NORMS: dict[str, Callable[[int], nn.Module]] = {"batch-norm": nn.BatchNorm, "layer-norm": nn.LayerNorm}
OVER_TIME: dict[str, Callable[[int], list[nn.Module]]] = {
    "batch-norm, the same at all positions": lambda pieces: [nn.BatchNorm(64)],
    "batch-norm, another at each": lambda pieces: [nn.BatchNorm(64) for _ in range(pieces)],
    "layer-norm": lambda pieces: [nn.LayerNorm(64)],
}


def perceptron(norm: Callable[[int], nn.Module]) -> nn.Module:
    hidden = [(nn.Linear(64, 64, bias=False), norm(64), nn.relu()) for _ in range(2)]
    return nn.Sequential(*hidden[0], *hidden[1], nn.Linear(64, 10))


class Reader(nn.Module):
    """Reads an image piece by piece, and then says what it is; with one normalisation, or one for each piece."""

    def __init__(self, norms: list[nn.Module], pieces: int) -> None:
        self.piece, self.state = nn.Linear(64 // pieces, 64), nn.Linear(64, 64, bias=False)
        self.norms, self.pieces = norms, pieces
        self.head = nn.Linear(64, 10)

    def forward(self, x: Any) -> Any:
        pieces = self.piece(x.reshape(len(x), self.pieces, 64 // self.pieces))
        h = ops.tanh(self.norms[0](pieces[:, 0]))
        for t in range(1, self.pieces):
            h = ops.tanh(self.norms[t % len(self.norms)](pieces[:, t] + self.state(h)))
        return self.head(h)


def networks(model: Callable[[], nn.Module], steps: int, batch: int, size: Size) -> Runs:
    """Over seeds, at the best of the rates."""
    score = lambda lr, seed: judged(trained(model(), lr, seed, steps, batch, tuning=True))
    lr = RATES[2] if size.small else tune(score, RATES, TUNING_SEEDS[:1]).setting
    plan = {"enabled": not size.small}  # few steps are not worth one
    return [trained(model(), lr, seed, steps, batch, plan=plan) for seed in size.seeds]


def refuses_one() -> bool:
    """Whether batch-norm refuses to be trained by batches of one."""
    try:
        trained(perceptron(nn.BatchNorm), RATES[0], seed=0, steps=1, batch_size=1)
    except UsageError:
        return True
    return False


def row(name: str, runs: Runs, steps: int) -> list[Any]:
    """Of the table, medians over seeds."""
    ends = [mean_loss(run, steps)[-1] for run in runs], [judged(run) for run in runs], [error(run) for run in runs]
    return [name, *(float(np.median(end)) for end in ends)]


def study(size: Size) -> Finding:
    steps, in_time = size(300, small=60), size(200, small=40)
    batches, lengths = ((2, 32), (16,)) if size.small else ((1, 2, 4, 8, 32), (8, 16))
    over_time = dict(list(OVER_TIME.items())[:: size(1, small=2)])  # without what needs most time to be compiled
    expect(refuses_one(), "batch-norm was trained with batches of one")
    runs = {
        (kind, batch): networks(lambda: perceptron(norm), steps, batch, size)  # noqa: B023  # called before the next
        for kind, norm in NORMS.items()
        for batch in batches
        if batch > 1 or kind == "layer-norm"
    }
    loss = {at: [judged(run) for run in of] for at, of in runs.items()}
    wrong = {at: float(np.median([error(run) for run in of])) for at, of in runs.items()}
    readers = {
        (kind, length): networks(lambda: Reader(norms(length), length), in_time, 64, size)  # noqa: B023
        for kind, norms in over_time.items()
        for length in lengths
    }
    read = {at: [judged(run) for run in of] for at, of in readers.items()}
    same, *each, layer = (np.array([read[kind, length] for length in lengths]) for kind in over_time)
    expect(np.median(loss["batch-norm", 2]) > np.median(loss["layer-norm", 2]), f"batches of 2: {loss}")
    expect(np.median(loss["batch-norm", 32]) < 1.2 * np.median(loss["layer-norm", 32]), f"batches of 32: {loss}")
    expect(min(same[-1]) > max(layer[-1]), f"sequences: {read}")
    if not size.small:  # where all are still far from their best
        expect(min(loss["batch-norm", 2]) > 2 * max(loss["layer-norm", 2]), f"batches of 2: {loss}")
        expect(np.median(same[-1]) > 2 * np.median(layer[-1]), f"sequences of 16: {read}")
        expect(np.median(each[0][-1]) < 1.5 * np.median(layer[-1]), f"sequences of 16: {read}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        none = [np.nan] * len(size.seeds)
        curves(left, [(kind, np.transpose([loss.get((kind, b), none) for b in batches])) for kind in NORMS], x=batches)
        left.set(xscale="log", yscale="log", xlabel="samples in a batch", ylabel="loss on test images [nats]")
        left.set_xticks(batches, map(str, batches))
        curves(right, [(kind, np.transpose([read[kind, n] for n in lengths])) for kind in over_time], x=lengths)
        right.set(yscale="log", xlabel="length of the sequence", xticks=lengths)
        for axis in (left, right):
            axis.minorticks_off()

    rows = [row(f"perceptron, batches of {batch}, {kind}", of, steps) for (kind, batch), of in runs.items()]
    rows += [row(f"sequence of {length}, {kind}", of, in_time) for (kind, length), of in readers.items()]
    mended = "".join(f", with statistics of each position {np.median(of[-1]):.2f}" for of in each)
    return Finding(
        Verdict.IN_PART,
        f"With batches of 2, batch-norm errs on {wrong['batch-norm', 2]:.0f} % of the images and layer-norm on "
        f"{wrong['layer-norm', 2]:.0f} %, with 32 on {wrong['batch-norm', 32]:.1f} and "
        f"{wrong['layer-norm', 32]:.1f} %; a batch of one batch-norm refuses. Over sequences of {lengths[-1]} its test "
        f"loss is {np.median(same[-1]):.2f}{mended}, and layer-norm's {np.median(layer[-1]):.2f}: medians over "
        f"{len(size.seeds)} seeds. So over sequences batch-norm fails with the same statistics at all positions, and "
        "not with those of each.",
        Table(("network", "training loss", "test loss", "% wrong"), rows),
        draw,
    )
