"""Claim 19. Batch-norm needs 1.5 to 2 times fewer steps; it belongs before the activation; moving statistics are as
good as those of the population; it cannot learn from batches of one; and it regularises.

Lecture: training deep networks, batch normalisation.

Perceptrons on the digits, batches of 64, by SGD with momentum. Steps: three hidden layers of 64, of ReLU and of
logistic units, until the mean training loss of 20 steps is below 0.1. Statistics: of the ReLU network after 10 and
after 360 steps. Regularisation: 200 training images, 300 steps; dropout has rate 0.3. Everything compared has its
learning rate chosen from the same five by the same tuning seed, on held-out training images; test images judge in the
end. Ioffe, Szegedy (2015), arXiv:1502.03167.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import ddtrain
from ddtrain.errors import UsageError
from ddtrain.models import Mlp
from examples.lectures.claims import ClaimError, Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.normalization._digits import TUNING_SEEDS, digits, error, judged, trained
from examples.lectures.normalization._steps import MEAN_OF, mean_loss, slowness, steps_until
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
Runs = Sequence[ddtrain.Run | None]
RATES = rates(0.003, 1.0, 5)
PLACES = {"none": "without", "before": "batch-norm before", "after": "batch-norm after"}
UNITS = {"relu": "ReLU", "sigmoid": "logistic"}
STATISTICS = "moving statistics", "of the population"


def network(place: Any, activation: str = "relu", dropout: float = 0.0) -> Mlp:
    return Mlp((64, 64, 64, 64, 10), place, dropout, activation)


def quick(place: str, activation: str, size: Size) -> Runs:
    """Over seeds, at the rate that reaches the target in the fewest steps."""
    steps = size(360, small=80)

    def run(lr: float, seed: int, tuning: bool = False) -> ddtrain.Run | None:
        return trained(network(place, activation), lr, seed, steps, 64, tuning)

    score = lambda lr, seed: slowness(mean_loss(run(lr, seed, tuning=True), steps), 0.1)
    lr = RATES[2] if size.small else tune(score, RATES, TUNING_SEEDS[:1]).setting
    return [run(lr, seed) for seed in size.seeds]


def regular(place: str, dropout: float, size: Size) -> Runs:
    """Over seeds, on few images, at the rate of the least loss on those held out."""
    steps = size(300, small=30)

    def run(lr: float, seed: int, tuning: bool = False) -> ddtrain.Run | None:
        return trained(network(place, dropout=dropout), lr, seed, steps, 50, tuning, images=200)

    score = lambda lr, seed: judged(run(lr, seed, tuning=True))
    lr = RATES[2] if size.small else tune(score, RATES, TUNING_SEEDS[:1]).setting
    return [run(lr, seed) for seed in size.seeds]


def statistics(steps: int, size: Size) -> Array:
    """Test loss after some steps by moving statistics and by those of the population, a row a seed."""
    population: dict[str, Any] = {"norm": {"statistics": "population"}}
    runs = [trained(network("before"), RATES[2], seed, steps, 64, **population) for seed in size.seeds]
    return np.array([(run.history["valid_loss"][-1], judged(run)) for run in runs if run is not None])


def alone(run: ddtrain.Run | None) -> float:
    """How far a trained network's outputs for an image alone are from those of the image among fifty, at most.

    Raises
    ------
    ClaimError : batches of one can be learnt from, or there is no trained network
    """
    try:
        trained(network("before"), RATES[2], seed=0, steps=1, batch_size=1)
    except UsageError:
        if run is not None:
            model, (x, _) = run.load(network("before")), digits(network("before")).valid_sets[""].batch(np.arange(50))
            return float(np.abs(np.concatenate([model(x[i : i + 1]) for i in range(50)]) - model(x)).max())
    raise ClaimError("batch-norm was trained with batches of one, or has diverged with others")


def medians(runs: Runs, steps: int, target: float) -> list[Any]:
    """Of a row of the table, over seeds."""
    means = [mean_loss(run, steps) for run in runs]
    until = float(np.median([steps_until(mean, target) for mean in means]))
    ends = [mean[-1] for mean in means], [judged(run) for run in runs], [error(run) for run in runs]
    return [until if np.isfinite(until) else "never", *(float(np.median(end)) for end in ends)]


def study(size: Size) -> Finding:
    steps, target, units = size(360, small=80), 0.5 if size.small else 0.1, list(UNITS)[: size(2, small=1)]
    runs = {(unit, place): quick(place, unit, size) for unit in units for place in PLACES}
    until = {at: np.array([steps_until(mean_loss(run, steps), target) for run in of]) for at, of in runs.items()}
    saved = until["relu", "none"] / until["relu", "before"]
    expect(min(saved) > 1.3, f"batch-norm saves too few steps: {saved}")
    early, late = (statistics(count, size) for count in (10, steps))
    lag, rest = (float(np.median(of[:, 0] / of[:, 1])) for of in (early, late))
    expect(lag > 1.1 and rest < 1.2, f"moving statistics: {lag:.2f} times the loss, in the end {rest:.2f}")
    off = alone(runs["relu", "before"][0])
    expect(off < 1e-4, f"an image alone has other outputs than among others, by {off:.0e}")
    dropout = (0.0,) if size.small else (0.0, 0.3)
    few = {(place, rate): regular(place, rate, size) for place in ("none", "before") for rate in dropout}
    lost = {at: [judged(run) for run in of] for at, of in few.items()}
    expect(max(lost["before", 0.0]) < min(lost["none", 0.0]), f"it does not regularise: {lost}")
    if not size.small:  # which measures neither
        expect(np.isinf(until["sigmoid", "none"]).all(), f"logistic units learn without batch-norm: {until}")
        before, after = (np.array([np.median(until[unit, place]) for unit in UNITS]) for place in ("before", "after"))
        expect(before[0] < after[0] and before[1] > after[1], f"ReLU and logistic, before {before}, after {after}")
        expect(min(lost["none", 0.0]) > max(lost["none", 0.3]), f"dropout does not regularise: {lost}")

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, len(units), sharey=True, squeeze=False)[0]
        for axis, unit in zip(axes, units):
            losses = [(PLACES[place], [mean_loss(run, steps)[::4] for run in runs[unit, place]]) for place in PLACES]
            curves(axis, losses, x=np.arange(MEAN_OF, steps + 1, 4))
            axis.axhline(target, color="gray", lw=0.8)
            axis.set(yscale="log", xlabel="step", title=f"{UNITS[unit]} units")
        axes[0].set_ylabel(f"training loss [nats], mean of {MEAN_OF} steps")

    rows = [[f"{UNITS[unit]}, {PLACES[place]}", *medians(of, steps, target)] for (unit, place), of in runs.items()]
    for count, of in ((10, early), (steps, late)):
        rows += [[f"{kind} after {count} steps", "", "", np.median(of[:, k]), ""] for k, kind in enumerate(STATISTICS)]
    rows += [
        [f"200 images, {PLACES[place]}{f', dropout {rate}' if rate else ''}", *medians(of, size(300, small=30), target)]
        for (place, rate), of in few.items()
    ]
    place = np.median(until["relu", "after"]) / np.median(until["relu", "before"])
    return Finding(
        Verdict.IN_PART,
        f"With ReLU {min(saved):.1f} to {max(saved):.1f} times fewer steps to a training loss of {target}, over "
        f"{len(size.seeds)} seeds; later the network without catches up. After the activation it takes {place:.2f} "
        f"times the steps of before with ReLU, and fewer with logistic units, which without are still far off. Moving "
        f"statistics have {lag:.2f} times the test loss of the population's after 10 steps, {rest:.2f} times in the "
        f"end. Training refuses a batch of one; a trained network says of an image alone what it says of it among "
        f"others. On 200 images the test loss is {np.median(lost['before', 0.0]):.2f} in place of "
        f"{np.median(lost['none', 0.0]):.2f}.",
        Table(("what", f"steps to {target}", "training loss", "test loss", "% wrong"), rows),
        draw,
    )
