"""Claim 27. An L1 penalty makes weights exactly zero, an L2 penalty only small.

Lecture: regularisation, L1 and L2.

First least squares of 60 samples with 30 features, of which five matter: the weights under either penalty as it grows,
by ``optim.Sgd``, whose L1 is a proximal step; and under an L1 penalty that is added to the loss, so that gradient
descent follows its derivative ± λ. That the minimum is one is checked by its conditions: the gradient of the squares is
−λ sign(w) where w is not zero, and no larger than λ where it is. Then a perceptron of 64-32-10 units on 1,000 digits,
20 epochs with batches of 50, under five strengths of each penalty.

Tibshirani (1996), "Regression shrinkage and selection via the lasso".
"""

# S = 13 strengths, D = 30 features

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as onp

import ddtrain
import ddtrain.numpy as np
from ddtrain import data, grad, optim
from ddtrain.models import Mlp
from ddtrain.recipes.common import classify
from ddtrain.recipes.images import DIGITS
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, curves
from examples.lectures.training import descend, fitted
from examples.lectures.tuning import rates

Array = onp.ndarray[Any, Any]
PENALTIES = ("L1", "L1 by its derivative", "L2")
RATE = 0.25
STRENGTHS = rates(1e-4, 1e-2, 5)  # of the network's penalties


def shares(size: Size) -> Array:
    """Strengths of a path, in units of that from which L1 leaves nothing."""
    return onp.geomspace(0.02, 1.2, size(13, small=4))


class Paths(NamedTuple):
    """Weights as a penalty grows, (S, D) each by its name, and how far L1's are from the minimum's conditions."""

    weights: dict[str, Array]
    off: float


def paths(seed: int, size: Size) -> Paths:
    generator = onp.random.default_rng(seed)
    x_ND = generator.standard_normal((60, 30))
    y_N = x_ND[:, :5] @ onp.array([2.0, -1.5, 1.0, -1.0, 0.5]) + 0.5 * generator.standard_normal(60)

    def squares(w: Any) -> Any:
        return 0.5 * np.mean((x_ND @ w - y_N) ** 2)

    gradient: Callable[[Array], Array] = grad(squares)
    strengths = shares(size) * onp.abs(gradient(onp.zeros(30))).max()

    def path(formula: Any, penalty: Any = lambda w, strength: 0.0) -> Array:
        w, found = onp.zeros(30), []
        for strength in strengths[::-1]:  # from nothing on, each from where the one before it has ended
            loss = lambda w, strength=strength: squares(w) + penalty(w, strength)
            w = descend(loss, w, formula(strength), size(400, small=150))[0][-1]
            found.append(w)
        return onp.array(found[::-1])

    weights = {
        "L1": path(lambda strength: optim.Sgd(lr=RATE, momentum=0.0, l1=strength)),
        "L1 by its derivative": path(
            lambda strength: optim.Sgd(lr=RATE, momentum=0.0), lambda w, strength: strength * np.sum(np.abs(w))
        ),
        "L2": path(lambda strength: optim.Sgd(lr=RATE, momentum=0.0, weight_decay=strength)),
    }
    pulls = onp.array([gradient(w) / strength for w, strength in zip(weights["L1"], strengths, strict=True)])
    zero = weights["L1"] == 0
    off = onp.where(zero, onp.maximum(onp.abs(pulls) - 1, 0), onp.abs(pulls + onp.sign(weights["L1"])))
    return Paths(weights, float(off.max()))


def network(penalty: str, strength: float, seed: int, size: Size) -> tuple[float, float]:
    """How many weights of a perceptron are zero, and its errors on other digits, both in percent."""
    found, count = data.digits(), size(1000, small=300)
    pictures = onp.concatenate([found.x_train, found.x_test]).reshape(-1, 64)
    x, y = ((pictures - DIGITS[0]) / DIGITS[1]).astype(onp.float32), onp.concatenate([found.y_train, found.y_test])
    model = Mlp((64, 32, 10))
    formula = {"lr": 0.05, "momentum": 0.9, "l1" if penalty == "L1" else "weight_decay": strength}
    options = {"batch_size": 50, "epochs": size(20, small=5), "seed": seed, "checkpoint": {"every": 1_000_000}}
    run = fitted(ddtrain.Task(model, classify, train=(x[:count], y[:count])), optim=formula, **options)
    if run is None:
        return math.nan, math.nan
    weights = [values.ravel() for values in run.snapshot("last").model.values() if values.ndim == 2]
    figures = ddtrain.evaluate(run.load(model, "last"), classify, (x[count:], y[count:]))
    return 100 * float(onp.mean(onp.concatenate(weights) == 0)), 100 * (1 - figures["accuracy"])


def spread(values: Array) -> tuple[float, float, float]:
    """The median, the lowest and the highest."""
    return float(onp.median(values)), float(values.min()), float(values.max())


def study(size: Size) -> Finding:
    found = [paths(seed, size) for seed in size.seeds]
    off = max(each.off for each in found)
    expect(off < 1e-6, f"the weights under L1 are not those of the minimum, by {off:.0e}")
    zeros = {name: onp.array([(each.weights[name] == 0).sum(axis=1) for each in found]) for name in PENALTIES}
    expect((zeros["L1"][:, 0] >= 10).all() and (zeros["L1"][:, -1] == 30).all(), f"L1 leaves more: {zeros['L1']}")
    expect(not zeros["L2"].any() and not zeros["L1 by its derivative"].any(), f"others have zeros, too: {zeros}")
    strengths = STRENGTHS[3:4] if size.small else STRENGTHS
    networks = {  # by penalty (seeds, strengths, 2)
        name: onp.array([[network(name, strength, seed, size) for strength in strengths] for seed in size.seeds])
        for name in ("L1", "L2")
    }

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, 3)
        for axis, name in zip(axes, ("L1", "L2"), strict=False):
            for feature, path in enumerate(found[0].weights[name].T):
                look = {"color": COLORS[0], "lw": 1.4} if feature < 5 else {"color": "0.6", "lw": 0.7}
                axis.plot(shares(size), path, **look)
            axis.set(xscale="log", xlabel="strength λ", ylabel="weights")
            axis.set_title(f"{name}; blue: features that matter", fontsize=9)
        curves(axes[2], [(name, networks[name][..., 0]) for name in networks], strengths)
        axes[2].set(xscale="log", xlabel="strength", ylabel="weights that are 0, %")
        axes[2].set_title("perceptron", fontsize=9)

    sparse, errors = (
        networks["L1"][..., 0],
        {name: onp.median(found[..., 1], axis=0) for name, found in networks.items()},
    )
    expect((sparse[:, -1] > 10).all() and not networks["L2"][..., 0].any(), f"zeros of the perceptrons: {networks}")
    place = len(strengths) // 2
    return Finding(
        Verdict.HOLDS,
        f"As L1 grows to what leaves none, {zeros['L1'][:, 0].min()} to 30 of 30 weights are exactly 0, and the "
        f"minimum's conditions hold to {off:.0e}; under L2 none ever is. Of a perceptron's weights "
        f"{onp.median(sparse[:, place]):.0f} % are 0 under an L1 of {strengths[place]:.2g}, at an error of "
        f"{errors['L1'][place]:.1f} %, none under as strong an L2, at {errors['L2'][place]:.1f} %. It takes a proximal "
        "step: by the derivative ± λ alone gradient descent steps across 0 for ever, and makes no zero either.",
        Table(
            ("", "zeros, %", "lowest", "highest", "test error, %"),
            [
                *(
                    (
                        f"least squares, {name}, λ = {shares(size)[k]:.2g} of the last",
                        *spread(zeros[name][:, k] / 0.3),
                        "",
                    )
                    for name in PENALTIES
                    for k in (len(shares(size)) // 2,)
                ),
                *(
                    (f"perceptron, {name}, {strength:.2g}", *spread(networks[name][:, k, 0]), errors[name][k])
                    for name in networks
                    for k, strength in enumerate(strengths)
                ),
            ],
        ),
        draw,
    )
