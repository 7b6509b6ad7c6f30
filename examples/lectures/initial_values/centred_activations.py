"""Claim 18. Networks of tanh units learn faster than networks of logistic units, because tanh is centred on zero.

Lecture: training methods, activations.

The two differ in more than their mean: tanh x = 2 σ(2x) − 1 is also four times as steep. So there are four activations,
centred or not and steep or not: σ(x), σ(x) − 1/2, tanh x + 1, tanh x; in a perceptron 64-32-32-32-10 on the digits, in
batches of 64, by SGD with momentum 0.9. For each, the learning rate (7 values) and the gain of Glorot's initial weights
(1 or 4, which is as much as the logistic function's slope takes away) are searched together on 2 seeds of their own, 14
settings each, for the lowest loss of the last 20 steps.

Source: LeCun, Bottou, Orr, Müller (1998), "Efficient BackProp", section 4.4.
"""

# N samples, H units of the last hidden layer

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain import nn, ops, optim
from ddtrain.recipes import classifier
from ddtrain.recipes.picture_options import ClassifierConfig
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.training import fitted, so_many
from examples.lectures.tuning import Tuned, rates, tune

Array = np.ndarray[Any, Any]
LEARNED = 0.1  # nats, the mean loss of 20 steps
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "σ(x)": ops.sigmoid,
    "σ(x) − 1/2": lambda x: ops.sigmoid(x) - 0.5,
    "tanh x + 1": lambda x: ops.tanh(x) + 1.0,
    "tanh x": ops.tanh,
}
FLAT, STEEP = ("σ(x) − 1/2", "σ(x)"), ("tanh x", "tanh x + 1")  # centred, and the same with a mean


def hidden(activation: str) -> list[nn.Module]:
    """The three hidden layers."""
    layers: list[nn.Module] = []
    for width in (64, 32, 32):
        layers += [nn.Linear(width, 32), nn.Activation(ACTIVATIONS[activation])]
    return layers


def train(activation: str, setting: tuple[float, float], steps: int, seed: int) -> Array:
    """(steps - 19,) the mean losses of 20 steps in a row; infinite if the run diverges."""
    task = classifier.digits(ClassifierConfig(), nn.Sequential(*hidden(activation), nn.Linear(32, 10)))
    lr, gain = setting
    weights = {"weights": f"glorot_normal(gain={gain})"}
    run = fitted(task, optim=optim.Sgd(lr=lr), init=weights, seed=seed, **so_many(steps))
    if run is None:
        return np.full(steps - 19, np.inf)
    means: Array = np.convolve(run.history["loss"], np.ones(20) / 20, "valid")
    return means


def spread_of_eigenvalues(activation: str, seed: int) -> float:
    """Of the last hidden layer's second moments at first: the largest eigenvalue over the median one."""
    layers, config = nn.Sequential(*hidden(activation)), ClassifierConfig()
    data = classifier.digits(config, layers).train
    x_ND = data.batch(np.arange(len(data)))[0]
    h_NH = layers.bind(nn.reinitialized(layers, "glorot_normal", seed))(x_ND).astype(np.float64)
    eigenvalues = np.linalg.eigvalsh(h_NH.T @ h_NH)
    return float(eigenvalues[-1] / np.median(eigenvalues))


def study(size: Size) -> Finding:
    steps, seeds = size(200, small=40), (10, 11)[: size(2, small=1)]
    settings = [(lr, gain) for gain in (1.0, 4.0) for lr in (rates(0.003, 3.0, 7) if not size.small else [0.1])]

    def tuned(activation: str) -> Tuned:
        return tune(lambda setting, seed: float(train(activation, setting, steps, seed)[-1]), settings, seeds)

    best = {activation: tuned(activation) for activation in ACTIVATIONS}
    losses = {
        activation: np.array([train(activation, best[activation].setting, steps, seed) for seed in size.seeds])
        for activation in ACTIVATIONS
    }
    last = {activation: float(np.median(rows[:, -1])) for activation, rows in losses.items()}
    early = {activation: float(np.median(rows[:, 20])) for activation, rows in losses.items()}  # after 40 steps
    until = {activation: _median_steps(rows) for activation, rows in losses.items()}
    spread = {
        activation: float(np.median([spread_of_eigenvalues(activation, seed) for seed in size.seeds]))
        for activation in ACTIVATIONS
    }
    expect(last["tanh x"] < last["σ(x)"], f"tanh should learn faster: {last}")
    for centred, with_mean in (FLAT, STEEP):
        expect(spread[centred] < spread[with_mean], f"a mean should be one large eigenvalue: {spread}")
    if not size.small:  # 40 steps at one rate tell tanh from the logistic function, and no more
        expect(last[STEEP[0]] < last[STEEP[1]] / 2, f"a mean of 1 should slow tanh down: {last}")
        expect(early[FLAT[0]] < early[FLAT[1]], f"centring should help the logistic function at first: {early}")
        expect(until[FLAT[0]] > 0.75 * until[FLAT[1]], f"it should help little in the end: {until}")

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        curves(
            axis, [(f"{name}: {_words(best[name])}", losses[name]) for name in ACTIVATIONS], np.arange(20, steps + 1)
        )
        axis.set(yscale="log", xlabel="step", ylabel="mean loss of 20 steps (nats)")

    return Finding(
        Verdict.IN_PART,
        f"With rate and gain searched alike, tanh has a loss of {LEARNED} after {until['tanh x']:.0f} steps and "
        f"logistic units after {until['σ(x)']:.0f}; after {steps} it has {last['tanh x']:.2g} and they "
        f"{last['σ(x)']:.2g} (medians of {len(size.seeds)} seeds). The mean is the reason for steep units, as tanh x "
        f"+ 1 needs {until['tanh x + 1']:.0f} steps and ends at {last['tanh x + 1']:.2g}; to logistic ones it matters "
        f"only at first: after 40 steps σ(x) − 1/2 has {early['σ(x) − 1/2']:.2g} and σ(x) {early['σ(x)']:.2g}, but it "
        f"needs {until['σ(x) − 1/2']:.0f} steps as well; what they lack is as much the slope.",
        Table(
            ("activation", "rate", "gain", f"steps to {LEARNED}", "loss at the end", "eigenvalues: largest / median"),
            [(name, *best[name].setting, until[name], last[name], spread[name]) for name in ACTIVATIONS],
        ),
        draw,
    )


def _words(best: Tuned) -> str:
    return f"rate {best.setting[0]:.2g}, gain {best.setting[1]:g}"


def _median_steps(losses: Array) -> float:
    """Steps until the mean loss of 20 is below :data:`LEARNED`; infinite if it never is."""
    return float(np.median([20 + np.argmax(row < LEARNED) if (row < LEARNED).any() else np.inf for row in losses]))
