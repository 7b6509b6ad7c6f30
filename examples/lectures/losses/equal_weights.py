"""Claim 12. Hidden units whose initial weights are equal stay equal for ever; noise breaks them.

Lecture: training methods, initial values.

A perceptron 64-13-10 with tanh learns the digits: batches of 64, SGD with momentum 0.9 at a rate of 0.2, float64. All
hidden units begin with the weights of one, into them and out of them, each weight times 1 + ε · a normal number.
Measured is the spread: the largest difference between weights of two units, beside the largest weight. Exactly equal
ones are also trained in float32: rounding is their only noise, on processors whose matrix products round some columns
otherwise than others; on the rest they stay equal to the bit, and the sentence says which it was. One more network has
units that are equal in what comes in, but not in what goes out. Nothing is chosen by search: the claim is about any
rate.
"""

# D = 64 pixels, H = 13 hidden units, K = 10 classes

from __future__ import annotations

from typing import Any

import numpy as np

import ddtrain
from ddtrain import nn, optim
from ddtrain.recipes import classifier
from ddtrain.recipes.picture_options import ClassifierConfig
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.training import fitted, so_many

Array = np.ndarray[Any, Any]
UNITS = 13  # an odd number, of which matrix products may round some otherwise than others
APART = 0.1  # the spread from which on units count as different
STARTS = {  # dtype, noise, whether what goes out of the units is equal, too; from much noise to little
    "only incoming weights equal": ("float64", 0.0, False),
    "noise of 1e-2": ("float64", 1e-2, True),
    "noise of 1e-6": ("float64", 1e-6, True),
    "equal, in float32": ("float32", 0.0, True),
    "equal, in float64": ("float64", 0.0, True),
}


class EqualUnits(nn.Module):
    """A perceptron whose hidden units begin with equal weights, but for some noise."""

    def __init__(self, noise: float, outgoing: bool) -> None:
        self.hidden, self.out = nn.Linear(64, UNITS), nn.Linear(UNITS, 10)
        self.noise, self.outgoing = noise, outgoing

    def forward(self, x_ND: Any) -> Any:
        return self.out(nn.functional.tanh(self.hidden(x_ND)))

    def init(self, seed: int = 0, dtype: Any = np.float32) -> dict[str, Array]:
        values = super().init(seed, dtype)
        rng = np.random.default_rng(seed)
        axes = {"hidden.weight": 1, "hidden.bias": 0} | ({"out.weight": 0} if self.outgoing else {})
        for path, axis in axes.items():
            one = np.take(values[path], [0], axis)
            factors = 1 + self.noise * rng.standard_normal(values[path].shape)
            values[path] = (one * factors).astype(dtype)
        return values


class Watch(ddtrain.Callback):
    """Keeps, step by step, how much hidden units differ in what comes in; and how many of them differ at last."""

    def __init__(self) -> None:
        self.spread: list[float] = []
        self.different = 0

    def step(self, run: Any) -> None:
        weight_DH = run.values["hidden.weight"]
        largest = np.abs(weight_DH).max()
        self.spread.append(float(np.ptp(weight_DH, axis=1).max() / largest))
        if run.step == run.total_steps:
            units: list[Array] = []
            for unit_D in weight_DH.T:
                if all(np.abs(unit_D - other).max() > APART * largest for other in units):
                    units.append(unit_D)
            self.different = len(units)

    @property
    def apart_after(self) -> float:
        """Steps until units differ; infinite if they do not."""
        return next((step for step, value in enumerate(self.spread, 1) if value > APART), np.inf)


def train(start: str, steps: int, seed: int) -> tuple[Watch, float]:
    """What was seen of the units, and the accuracy of the last tenth of the steps."""
    dtype, noise, outgoing = STARTS[start]
    task = classifier.digits(ClassifierConfig().updated({"run": {"dtype": dtype}}), EqualUnits(noise, outgoing))
    run = fitted(task, optim=optim.Sgd(lr=0.2), dtype=dtype, seed=seed, callbacks=[watch := Watch()], **so_many(steps))
    assert run is not None, "a rate of 0.2 does not diverge"
    return watch, float(run.history["accuracy"][-steps // 10 :].mean())


def study(size: Size) -> Finding:
    steps = size(300, small=25)
    starts = [start for start in STARTS if not size.small or start != "noise of 1e-6"]  # which 25 steps do not part
    runs = {start: [train(start, steps, seed) for seed in size.seeds] for start in starts}
    apart = {start: float(np.median([watch.apart_after for watch, _ in runs[start]])) for start in starts}
    expect([*apart.values()] == sorted(apart.values()), f"less noise should take longer to part units: {apart}")
    expect(apart["noise of 1e-2"] < steps, "noise should part units")
    for start in ("equal, in float32", "equal, in float64"):
        first = max(watch.spread[0] for watch, _ in runs[start])
        expect(first < 1e-6, f"{start}: units differ by {first:.0e} after one step, which is more than rounding")
    learned = {start: float(np.median([accuracy for _, accuracy in runs[start]])) for start in starts}
    expect(learned["noise of 1e-2"] > learned["equal, in float64"], f"different units should learn more: {learned}")
    parted = {start: apart[start] < steps for start in ("equal, in float32", "equal, in float64")}
    for start in parted:
        exact = all(max(watch.spread) == 0 for watch, _ in runs[start])
        if not size.small:  # rounding needs more steps
            expect(parted[start] or exact, f"{start}: units that differ by rounding should part within {steps} steps")

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        shown = {start: np.array([watch.spread for watch, _ in runs[start]]) for start in starts}
        curves(axis, [(start, np.maximum(rows, 1e-17)) for start, rows in shown.items()], np.arange(1, steps + 1))
        axis.set(yscale="log", xlim=(0, 180), xlabel="step", ylabel="difference of units / largest weight")

    equal32, equal64, noisy = (learned[start] for start in ("equal, in float32", "equal, in float64", "noise of 1e-2"))
    if all(parted.values()):
        equal = (
            "Equal units have equal gradients, but rounding is noise enough: it grows by a constant factor a step, and "
            f"has parted them after {apart['equal, in float32']:.0f} steps in float32 and "
            f"{apart['equal, in float64']:.0f} in float64 (medians of {len(size.seeds)} seeds), though only into a few "
            f"kinds, which learn {equal32:.1%} and {equal64:.1%} of the digits."
        )
    else:
        stayed = " and in ".join(start.removeprefix("equal, in ") for start in parted if not parted[start])
        equal = (
            f"Equal units have equal gradients: in {stayed} they are equal to the bit after {steps} steps on this "
            "processor, whose matrix products round all of them alike; on others rounding parts them. All together "
            f"learn {equal32:.1%} of the digits in float32 and {equal64:.1%} in float64."
        )
    return Finding(
        Verdict.IN_PART,
        f"{equal} Noise of 1 % parts units after {apart['noise of 1e-2']:.0f} steps, and learns {noisy:.1%}. Both "
        "sides of the units must be equal: where only what comes in is, the first step parts them.",
        Table(
            ("initial weights", "steps until units differ by 10 %", "kinds of units at the end", "training accuracy"),
            [
                (start, apart[start], np.median([watch.different for watch, _ in runs[start]]), learned[start])
                for start in starts
            ],
        ),
        draw,
    )
