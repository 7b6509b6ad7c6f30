"""Claim 16. Ten layers of sigmoids shrink the gradient to less than 0.25^10 of it, tanh shrinks it less, and ReLU does
not; the gradient of a dead ReLU is exactly 0, and a leaky ReLU recovers.

Lecture: training methods, vanishing gradients and activations.

Ten layers of 64 units take in 64 samples of normal numbers, and as many come back as the gradient of the last layer;
measured is the ratio of the gradients' lengths at both ends, with weights after Glorot (He for ReLU) times a gain of 1
to 16. For dead units, a perceptron 64-32-10 begins with biases that leave every hidden unit below zero for every one of
1,437 digits, by 0.1 or by 1, and is trained by SGD with momentum 0.9 at three rates, all of which are shown.

Sources: Hochreiter (1991); Glorot, Bengio (2010); Maas, Hannun, Ng (2013), "Rectifier nonlinearities improve neural
network acoustic models".
"""

# N samples, D = 64 pixels, H = 32 hidden units

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import nn, optim
from ddtrain.recipes import classifier
from ddtrain.recipes.picture_options import ClassifierConfig
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, DASHES, curves
from examples.lectures.initial_values._deep import initialized, mean_squares, there_and_back
from examples.lectures.training import fitted, so_many

Array = np.ndarray[Any, Any]
LAYERS, BOUND = 10, 0.25**10
GAINS = (1.0, 2.0, 4.0, 8.0, 16.0)
ACTIVATIONS = {"sigmoid": 1.0, "tanh": 1.0, "relu": 2**0.5}  # beside Glorot's weights; of square layers, that is He's
NAMES = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU"}
RATES, MARGINS = (0.03, 0.1, 0.3), (0.1, 1.0)


def gradients(activation: str, gain: float, seed: int) -> Array:
    """(11,) lengths of the gradients from the input to the last layer, beside that of the last."""
    weights = nn.init.GlorotNormal(gain=gain * ACTIVATIONS[activation])
    layers = [
        nn.Sequential(nn.Linear(64, 64, bias=False, weight_init=weights), nn.activation(activation))
        for _ in range(LAYERS)
    ]
    rng = np.random.default_rng(seed)
    x, g = rng.standard_normal((2, 64, 64))
    lengths: Array = np.sqrt(mean_squares(there_and_back(initialized(layers, seed), x, g)[1]))
    lengths /= lengths[-1]
    return lengths


class DeadUnits(nn.Module):
    """A perceptron whose hidden units all begin below zero, for all of some samples."""

    def __init__(self, activation: str, x_ND: Array, margin: float) -> None:
        self.hidden, self.activation, self.out = nn.Linear(64, 32), nn.activation(activation), nn.Linear(32, 10)
        self.x_ND, self.margin = x_ND, margin

    def forward(self, x_ND: Any) -> Any:
        return self.out(self.activation(self.hidden(x_ND)))

    def init(self, seed: int = 0, dtype: Any = np.float32) -> dict[str, Array]:
        values = super().init(seed, dtype)
        highest_H = (self.x_ND @ values["hidden.weight"]).max(axis=0)
        return values | {"hidden.bias": (-highest_H - self.margin).astype(dtype)}


def revive(activation: str, margin: float, lr: float, steps: int, seed: int) -> tuple[float, bool, float]:
    """The share of units above zero for some digit at the end; whether a weight of theirs has moved; the accuracy."""
    digits = classifier.digits(ClassifierConfig(), nn.Identity()).train
    x_ND = digits.batch(np.arange(len(digits)))[0]
    net = DeadUnits(activation, x_ND, margin)
    run = fitted(classifier.digits(ClassifierConfig(), net), optim=optim.Sgd(lr=lr), seed=seed, **so_many(steps))
    assert run is not None, "rates up to 0.3 do not diverge"
    layer = run.load(net).hidden
    moved = not np.array_equal(layer.weight, net.init(seed)["hidden.weight"])
    alive = float((layer(x_ND).max(axis=0) > 0).mean())
    return alive, moved, float(run.history["accuracy"][-steps // 10 :].mean())


def study(size: Size) -> Finding:
    lengths = {
        (name, gain): np.array([gradients(name, gain, seed) for seed in size.seeds])
        for name in ACTIVATIONS
        for gain in GAINS
    }
    ratio = {key: float(np.median(rows[:, 0])) for key, rows in lengths.items()}
    sigmoid, tanh, relu = (lengths[name, 1.0][:, 0] for name in ACTIVATIONS)
    expect((sigmoid < BOUND).all(), f"sigmoids should shrink the gradient below {BOUND:.1e}, not to {sigmoid}")
    expect((tanh > 0.05).all() and (tanh < 0.8).all(), f"tanh should shrink it less: {tanh}")
    expect((relu > 0.5).all() and (relu < 2).all(), f"ReLU after He should hold it: {relu}")
    expect(ratio["sigmoid", 2.0] > 10 * BOUND and ratio["sigmoid", 16.0] > 1, f"large weights should undo it: {ratio}")

    steps = size(300, small=60)
    cases = [(margin, lr) for margin in MARGINS for lr in RATES if not size.small or (margin, lr) == (0.1, 0.1)]
    ends = {
        (name, *case): [revive(name, *case, steps, seed) for seed in size.seeds]
        for name in ("relu", "leaky_relu")
        for case in cases
    }
    dead = [end for case in cases for end in ends["relu", *case]]
    expect(not any(moved or alive for alive, moved, _ in dead), f"the weights of dead units should not move: {dead}")
    alive, _, learned = (
        {key: float(np.median([end[k] for end in one])) for key, one in ends.items()} for k in range(3)
    )
    back = [alive["leaky_relu", *case] for case in cases]
    expect(max(back) > 0.1, f"leaky units should come back: {alive}")
    if not size.small:  # with all margins and rates
        expect(min(back) < 0.1 and max(back) < 0.9, f"leaky units far below zero should not come back so soon: {alive}")

    def draw(figure: Any) -> None:
        of_layers, of_gains = figure.subplots(1, 2)
        curves(of_layers, [(NAMES[name], lengths[name, 1.0]) for name in ACTIVATIONS])
        of_layers.axhline(BOUND, color="black", lw=0.8)
        of_layers.annotate("0.25^10", (7, 1.3 * BOUND))
        of_layers.set(yscale="log", xlabel="layer", ylabel="gradient / that of the last layer")
        for k, name in enumerate(ACTIVATIONS):
            of_gains.plot(GAINS, [ratio[name, gain] for gain in GAINS], color=COLORS[k], ls=DASHES[k], marker=".")
        of_gains.axhline(BOUND, color="black", lw=0.8)
        of_gains.set(xscale="log", yscale="log", xlabel="weights / Glorot's (He's for ReLU)")
        of_gains.set_xticks(GAINS, [f"{gain:g}" for gain in GAINS], minor=False)
        of_gains.set_ylabel("the same, at the input")

    rows: list[tuple[Any, ...]] = [
        (f"gradient / last layer's, weights × {gain:g}", *(ratio[name, gain] for name in ACTIVATIONS), "")
        for gain in GAINS
    ]
    for margin, lr in cases:
        about = f"begun {margin:g} below 0, rate {lr:g}"
        keys = ("relu", margin, lr), ("leaky_relu", margin, lr)
        rows.append((f"units above 0 at last: {about}", "", "", *(alive[key] for key in keys)))
        rows.append((f"accuracy: {about}", "", "", *(learned[key] for key in keys)))
    return Finding(
        Verdict.IN_PART,
        f"With weights after Glorot, ten layers leave {sigmoid.min():.1e} to {sigmoid.max():.1e} of the gradient with "
        f"sigmoids (0.25^10 is {BOUND:.1e}), {np.median(tanh):.2f} with tanh, and {np.median(relu):.2f} with ReLU "
        "after He. The bound is one of the activations, not of the weights: twice Glorot's leave "
        f"{ratio['sigmoid', 2.0]:.0e}, and sixteen times let it grow by {ratio['sigmoid', 16.0]:.1f}. Dead ReLUs have "
        f"a gradient of 0, and after {steps} steps not one bit of their weights has moved; of leaky ones "
        f"{min(back):.0%} to {max(back):.0%} have come back, the fewer the further below zero they began and the "
        "lower the rate.",
        Table(("measured", *(NAMES[name] for name in ACTIVATIONS), "leaky ReLU"), rows),
        draw,
    )
