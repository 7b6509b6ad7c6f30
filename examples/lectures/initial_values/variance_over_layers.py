"""Claim 15. Initial weights after Glorot (linear layers, tanh) and He (ReLU, which needs the factor 2) hold the
variance of activations and gradients over 50 layers; weights of a constant spread do not. The fan of a convolution is
all that one output sums over.

Lecture: training methods, initial values.

Fifty layers of 256 units, and fifty 3×3 convolutions of 16 channels on 12×12 pixels with zeros around, without biases,
take in 16 samples, or 4 pictures, of normal numbers; others come back as the gradient of the last layer. Measured is
the mean square of what arrives at the other end, beside what was sent; it is compared with the expectation: a layer
multiplies the mean square by n · variance, ReLU halves it. Convolutions lose some at the zeros: how much is the same
convolution of ones.

Sources: Glorot, Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks"; He, Zhang,
Ren, Sun (2015), arXiv:1502.01852.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ddtrain import nn, ops
from ddtrain.nn import init
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.initial_values._deep import initialized, mean_squares, there_and_back

Array = np.ndarray[Any, Any]
LAYERS, UNITS, CHANNELS, SIDE = 50, 256, 16, 12
CHANCE = 30.0  # by which it may move a mean square in 50 layers of 256 units; what is wrong moves it by 2^50 and more
FEW = 1e4  # the same of 16 channels: the logarithm's variance is 5 / units a layer, eight times as large


class Net(NamedTuple):
    """An activation, initial weights, and by what a layer multiplies the mean square; None where that is no number."""

    activation: Callable[[], nn.Module]
    weights: init.Initializer
    factor: float | None


NETS = {
    "linear, std 0.01": Net(nn.Identity, init.Normal(std=0.01), UNITS * 0.01**2),
    "linear, std 0.1": Net(nn.Identity, init.Normal(std=0.1), UNITS * 0.1**2),
    "linear, Glorot": Net(nn.Identity, init.GlorotNormal(), 1.0),
    "ReLU, Glorot": Net(nn.ReLU, init.GlorotNormal(), 0.5),
    "ReLU, He": Net(nn.ReLU, init.HeNormal(), 1.0),
    "tanh, Glorot": Net(nn.Tanh, init.GlorotNormal(), None),
    "tanh, Glorot × 5/3": Net(nn.Tanh, init.GlorotNormal(gain=5 / 3), None),
}
CONVOLUTIONS = {
    "convolutions, He": Net(nn.ReLU, init.HeNormal(), 1.0),
    "convolutions, He of channels alone": Net(nn.ReLU, init.Normal(std=(2 / CHANNELS) ** 0.5), 9.0),
}
SHOWN = ("ReLU, Glorot", "ReLU, He", "linear, std 0.1", "tanh, Glorot", "tanh, Glorot × 5/3", "convolutions, He")


def run(name: str, seed: int) -> tuple[Array, Array]:
    """(51,) mean squares of outputs beside the input's, and of gradients beside the last one's."""
    net = {**NETS, **CONVOLUTIONS}[name]
    shape = (16, UNITS) if name in NETS else (4, SIDE, SIDE, CHANNELS)
    layers = initialized([nn.Sequential(_linear(name, net), net.activation()) for _ in range(LAYERS)], seed)
    rng = np.random.default_rng(seed)
    outputs, gradients = there_and_back(layers, rng.standard_normal(shape), rng.standard_normal(shape))
    ahead, back = mean_squares(outputs), mean_squares(gradients)
    return ahead / ahead[0], back / back[-1]


def _linear(name: str, net: Net) -> nn.Module:
    if name in NETS:
        return nn.Linear(UNITS, UNITS, bias=False, weight_init=net.weights)
    return nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False, weight_init=net.weights)


def expected(name: str) -> float:
    """The mean square after all layers beside the input's, in expectation; NaN where that is no product."""
    if name in NETS:
        factor = NETS[name].factor
        return np.nan if factor is None else factor**LAYERS
    ones, mean = np.ones((1, SIDE, SIDE, 1)), np.full((3, 3, 1, 1), 1 / 9)
    for _ in range(LAYERS):
        ones = ops.conv2d(ones, mean, padding=1)
    return float(ones.mean()) * float(CONVOLUTIONS[name].factor or 1) ** LAYERS


def study(size: Size) -> Finding:
    names = [*NETS, *CONVOLUTIONS]
    runs = {name: [run(name, seed) for seed in size.seeds] for name in names}
    ahead = {name: np.array([forward[-1] for forward, _ in runs[name]]) for name in names}
    back = {name: np.array([backward[0] for _, backward in runs[name]]) for name in names}
    for name in names:
        wanted, chance = expected(name), CHANCE if name in NETS else FEW
        for found in (ahead[name], back[name]):
            off = np.abs(np.log(found / wanted)).max()
            expect(np.isnan(off) or off < np.log(chance), f"{name}: {found}, expected is {wanted:.1e}")
    small, large = ahead["tanh, Glorot"], ahead["tanh, Glorot × 5/3"]
    expect((small > 0.5 / 2 / LAYERS).all() and (small < 2 / 2 / LAYERS).all(), f"tanh falls as 1 / 2l, not to {small}")
    expect((large > 0.3).all() and (large < 0.6).all(), f"5/3 should hold the outputs of tanh, not {large}")
    expect((back["tanh, Glorot × 5/3"] > 100).all(), f"5/3 should let gradients grow: {back}")

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        for axis, k, title in zip(axes, (0, 1), ("outputs, beside the input", "gradients, beside the last layer's")):
            curves(axis, [(name, np.array([one[k] for one in runs[name]])) for name in SHOWN])
            axis.set(yscale="log", ylim=(1e-17, 1e22), xlabel="layer", title=title)
        axes[0].set_ylabel("mean square")
        axes[0].get_legend().remove()
        axes[1].legend(loc="upper right", fontsize=8)

    he, glorot, tanh, convolutions = (
        _range(ahead[name]) for name in ("ReLU, He", "linear, Glorot", "tanh, Glorot", "convolutions, He")
    )
    wrong = np.median(ahead["convolutions, He of channels alone"])
    return Finding(
        Verdict.IN_PART,
        f"After {LAYERS} layers the mean square is {glorot} of the input's for linear layers after Glorot, {he} for "
        f"ReLU after He, and {np.median(ahead['ReLU, Glorot']):.0e} for ReLU without the factor 2, as worked out; "
        f"with a spread of 0.01 it is {np.median(ahead['linear, std 0.01']):.0e}. But tanh after Glorot lets it fall "
        f"to {tanh}, as 1 / (2 · layers); a gain of 5/3 holds it at {np.median(large):.2g} and lets gradients grow by "
        f"{np.median(back['tanh, Glorot × 5/3']):.0f}. Convolutions of {CHANNELS} channels end at {convolutions}: "
        f"zeros at the border take it to {expected('convolutions, He'):.2g}, chance does the rest, as channels are "
        f"few; with the channels alone as fan, it is {wrong:.0e}.",
        Table(
            ("layers", "outputs, lowest", "outputs, highest", "gradients, lowest", "gradients, highest", "expected"),
            [
                (
                    name,
                    *(float(end(found)) for found in (ahead[name], back[name]) for end in (np.min, np.max)),
                    told(name),
                )
                for name in names
            ],
        ),
        draw,
    )


def told(name: str) -> float | str:
    """What is expected, for the table."""
    return "" if np.isnan(expected(name)) else expected(name)


def _range(found: Array) -> str:
    return f"{found.min():.2g} to {found.max():.2g}"
