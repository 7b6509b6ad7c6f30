"""Claim 37. On the same images, features of a kernel beat a linear classifier, a perceptron beats these, and a
convolutional network beats all.

Lecture: linear classifiers, kernels, neural networks.

Pictures of clothes, 14×14 pixels: 200, 1,000 or 4,000 to train on. The rungs are softmax regression on pixels, the same
on 1,024 random Fourier features of a Gaussian kernel, a perceptron of 128 hidden units, and two convolutions of 16 and
32 channels with batch-norm, as wide as the recipe's. All take 600 steps with batches of 50, momentum 0.9 and a rate
that falls along a cosine. Of each, 1,000 other pictures and another seed choose one of six settings at 1,000: rates;
for the features, three rates and two widths of the kernel. Errors are of 2,000 more.

Rahimi, Recht (2007), "Random features for large-scale kernel machines".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ddtrain import nn, optim
from ddtrain.models import Cnn, KernelClassifier, Mlp, RandomFourierFeatures, SoftmaxRegression
from examples.lectures.batches._clothes import clothes, train
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
Setting = tuple[float, float]  # a rate, and the kernel's gamma where there is one
FEATURES = 1024


def linear(gamma: float) -> nn.Module:
    return nn.Sequential(nn.Flatten(), SoftmaxRegression(196, 10))


def kernel(gamma: float) -> nn.Module:
    return nn.Sequential(nn.Flatten(), KernelClassifier(RandomFourierFeatures(196, FEATURES, gamma), FEATURES, 10))


def perceptron(gamma: float) -> nn.Module:
    return nn.Sequential(nn.Flatten(), Mlp((196, 128, 10)))


def convolutions(gamma: float) -> nn.Module:
    return Cnn((14, 14, 1), (16, 32), 10)


RUNGS: Mapping[str, tuple[Callable[[float], nn.Module], Sequence[Setting]]] = {
    "linear": (linear, [(lr, 0.0) for lr in rates(0.001, 0.3, 6)]),
    "kernel features": (kernel, [(lr, gamma) for gamma in (0.005, 0.02) for lr in (1.0, 3.0, 10.0)]),
    "perceptron": (perceptron, [(lr, 0.0) for lr in rates(0.003, 1.0, 6)]),
    "convolutions": (convolutions, [(lr, 0.0) for lr in rates(0.003, 1.0, 6)]),
}


def errors(rung: str, setting: Setting, pictures: int, seed: int, size: Size) -> tuple[float, float]:
    """On the pictures to choose by, and on those to test, in percent; infinite where training diverges."""
    (make, _), given = RUNGS[rung], clothes(4000, test=2000)
    some = given._replace(train=(given.train[0][:pictures], given.train[1][:pictures]))
    steps = size(600, small=40)
    options = {
        "optim": optim.Sgd(lr=setting[0], momentum=0.9, weight_decay=1e-4),
        "schedule": {"name": "cosine"},
        "epochs": steps * 50 // pictures,
        "batch_size": 50,
        "seed": seed,
    }
    found = train(make(setting[1]), some, options)
    return (math.inf, math.inf) if found is None else (found.valid, found.test)


def study(size: Size) -> Finding:
    counts = [200] if size.small else [200, 1000, 4000]

    def chosen(rung: str) -> Setting:
        settings = RUNGS[rung][1][3:4] if size.small else RUNGS[rung][1]
        setting: Setting = tune(
            lambda setting, seed: errors(rung, setting, counts[len(counts) // 2], seed, size)[0], settings, seeds=(50,)
        ).setting
        return setting

    best = {rung: chosen(rung) for rung in RUNGS}
    found = {
        rung: np.array([[errors(rung, best[rung], count, seed, size)[1] for count in counts] for seed in size.seeds])
        for rung in RUNGS
    }
    medians = {rung: np.median(of_rung, axis=0) for rung, of_rung in found.items()}
    _, kernels, hidden, filters = medians.values()
    worst = max(of_rung.max() for of_rung in found.values())
    expect(worst < size(30, small=60), f"a rung learns nothing: {medians}")
    if not size.small:  # whose 40 steps are too few for an order
        expect((found["linear"] > found["kernel features"]).all(), f"features of a kernel gain nothing: {found}")
        others = np.minimum(kernels, hidden)
        expect((filters < others + 0.5).all() and filters[2] < others[2] - 1, f"convolutions are no better: {medians}")
        expect(kernels[1] < hidden[1] and hidden[2] < kernels[2], f"perceptron and kernel: {medians}")

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        curves(axis, list(found.items()), counts)
        axis.set(xscale="log", xlabel="pictures to train on", ylabel="test error, %")
        axis.set_xticks(counts, [f"{count:,}" for count in counts])
        axis.minorticks_off()

    told = [", ".join(f"{error:.1f} %" for error in medians[rung]) for rung in RUNGS]
    return Finding(
        Verdict.IN_PART,
        f"From {counts[0]:,}, {counts[len(counts) // 2]:,} and {counts[-1]:,} pictures a linear classifier comes to "
        f"{told[0]}, kernel features to {told[1]}, a perceptron to {told[2]} and convolutions to {told[3]}: the first "
        "step and the last are as the lecture says, but a perceptron passes kernel features only with many pictures.",
        Table(
            ("test error, %", *(f"{count:,} pictures" for count in counts), "rate", "gamma"),
            [
                (rung, *medians[rung], best[rung][0], best[rung][1] if rung == "kernel features" else "")
                for rung in RUNGS
            ],
        ),
        draw,
    )
