"""Claim 7. AdaGrad stalls where RMSProp goes on; AdaGrad wins on sparse features.

Lecture: optimisation, adaptive learning rates.

First a cliff and a long slope in 20 dimensions, whose minima lie 5 to 20 away: gradients on the cliff are 1 to 1,000
times those on the slope. AdaGrad and RMSProp (ρ = 0.9) take 300 steps, at the best of eleven learning rates from 0.001
to 100. Then logistic regression on 200 features that are 0 or 1 and weigh ±3, once through 2,000 samples in batches of
20: feature j is on in 0.5 / j^p of the samples, with p = 0 (dense), 0.5 and 1 (most of them rare). All methods, plain
gradient descent beside them, have the best of nine rates from 0.001 to 10; three data sets a seed, others for rates.

Duchi, Hazan, Singer (2011), JMLR 12, whose point are rare features.
"""

# N samples, D dimensions or features

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import ddtrain.numpy as dnp
from ddtrain import ops
from ddtrain.optim import AdaGrad, Optim, RmsProp, Sgd, make
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, DASHES, curves
from examples.lectures.quadratics._vectors import VectorObjective
from examples.lectures.training import descend
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
STEEP = (1.0, 10.0, 100.0, 1000.0)  # gradient on the cliff, beside 1 on the slope
RARE = (0.0, 0.5, 1.0)
TESTED = ("AdaGrad", "RMSProp", "SGD")


def method(name: str, lr: float) -> Optim:
    if name == "SGD":
        return Sgd(lr=lr, momentum=0.0)
    return AdaGrad(lr=lr) if name == "AdaGrad" else RmsProp(lr=lr, rho=0.9)


def distances(name: str, steep: float, steps: int, lr: float, seed: int) -> Array:
    """(steps + 1,) how far the farthest coordinate is from its minimum, down a cliff at 0 and a slope."""
    ends_D = np.random.default_rng(seed).uniform(5.0, 20.0, 20)

    def loss(x_D: Any) -> Any:
        return dnp.sum(steep / 4 * ops.softplus(-4 * x_D) + dnp.sqrt(1 + (x_D - ends_D) ** 2))

    points, _ = descend(loss, np.full(20, -1.0), method(name, lr), steps)
    far: Array = np.abs(points - ends_D).max(axis=1)
    return far


def distance(name: str, steep: float, steps: int, lr: float, seed: int) -> float:
    return float(distances(name, steep, steps, lr, seed)[-1])


def features(rare: float, samples: int, seed: int) -> tuple[Array, Array]:
    """(N, D) zeros and ones, and (N,) classes 0 and 1."""
    rng = np.random.default_rng(seed)
    share_D = 0.5 / np.arange(1, 201) ** rare
    x_ND = (rng.random((samples, 200)) < share_D).astype(np.float64)
    scores_N = (x_ND - share_D) @ rng.choice((-3.0, 3.0), 200)
    return x_ND, (rng.random(samples) < 1 / (1 + np.exp(-scores_N))).astype(np.float64)


def negative_log_likelihood(w_D: Any, x_ND: Array, y_N: Array) -> Any:
    """Of classes 0 and 1 by logistic regression, whose last weight is the bias."""
    signs_N = 1 - 2 * y_N
    return dnp.mean(ops.softplus(signs_N * (x_ND @ w_D[:-1] + w_D[-1])))


def test_loss(name: str, rare: float, samples: int, lr: float, seed: int) -> float:
    """After one pass, on as many samples that were not seen."""
    x_ND, y_N = features(rare, 2 * samples, seed)
    objective, w_D = VectorObjective(negative_log_likelihood), np.zeros(201)
    optimizer = make(method(name, lr), 201, np.float64)
    for first in range(0, samples, 20):
        objective.batch = x_ND[first : first + 20], y_N[first : first + 20]
        optimizer.apply(w_D, objective.loss_and_gradient(w_D)[1], lr=lr)
    return float(negative_log_likelihood(w_D, x_ND[samples:], y_N[samples:]))


def spread(numbers: Any) -> Array:
    """The lowest, the median and the highest."""
    found: Array = np.quantile(numbers, (0.0, 0.5, 1.0))
    return found


def study(size: Size) -> Finding:
    steps, samples, tuned_on = size(300, small=100), size(2000, small=200), (10, 11, 12)[: size(3, small=1)]
    settings = rates(0.001, 100.0, 11), rates(0.001, 10.0, size(9, small=5))
    steeps = (STEEP[0], STEEP[-1]) if size.small else STEEP
    falls = [(name, steep) for name in ("AdaGrad", "RMSProp") for steep in steeps]
    slopes = {fall: tune(partial(distance, *fall, steps), settings[0], tuned_on).setting for fall in falls}
    ways = {fall: np.array([distances(*fall, steps, slopes[fall], seed) for seed in size.seeds]) for fall in falls}
    tests = [(name, rare) for name in TESTED for rare in RARE]
    lrs = {test: tune(partial(test_loss, *test, samples), settings[1], tuned_on).setting for test in tests}
    draws = range(3 * len(size.seeds))
    losses = {test: [test_loss(*test, samples, lrs[test], draw) for draw in draws] for test in tests}
    trembling = max(ways["RMSProp", steep][:, -1].max() for steep in steeps)
    stalled, arrived = ways["AdaGrad", 1000.0][:, -1], max(ways["AdaGrad", s][:, -1].max() for s in steeps[:-1])
    expect(size.small or trembling < 1, f"RMSProp ends {trembling} away")
    expect(stalled.min() > 5, f"after gradients of 1,000 AdaGrad ends {stalled} away")
    expect(arrived < 1e-5, f"after gradients of 100 or less AdaGrad ends {arrived} away")
    lead = {test: float(np.median(np.subtract(losses[test], losses["AdaGrad", test[1]]))) for test in tests}
    if not size.small:  # where rare features are hardly seen
        expect(min(lead[name, p] for name in TESTED[1:] for p in RARE[1:]) > 0.015, f"AdaGrad's lead is {lead}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        shown = [(f"{name}, cliff × {steep:g}", ways[name, steep]) for name, steep in falls if steep in (1.0, 1000.0)]
        curves(left, shown)
        left.set(xlabel="step", ylabel="largest distance to a minimum", yscale="log")
        for k, name in enumerate(TESTED):
            each = np.array([losses[name, rare] for rare in RARE])
            right.plot(RARE, np.median(each, axis=1), color=COLORS[k], ls=DASHES[k], label=name)
            right.plot(RARE, each, "o", color=COLORS[k], ms=3)
        right.set(xlabel="p: feature j is on in 0.5 / j^p of the samples", ylabel="test loss after one pass (nats)")
        right.legend(fontsize=8)

    return Finding(
        Verdict.IN_PART,
        f"After gradients 1,000 times as large as the later ones AdaGrad stalls {np.median(stalled):.1f} away, where "
        f"RMSProp comes to {np.median(ways['RMSProp', 1000.0][:, -1]):.2f}; but after 100 times or less it arrives to "
        f"{arrived:.0e} at a larger rate, while RMSProp trembles at 0.05. On sparse features its test loss is lower "
        f"than plain gradient descent's by {lead['SGD', 0.5]:.3f} and {lead['SGD', 1.0]:.3f}, and than RMSProp's by "
        f"{lead['RMSProp', 0.5]:.3f} and {lead['RMSProp', 1.0]:.3f}; on dense ones by {lead['SGD', 0.0]:.3f} and "
        f"{lead['RMSProp', 0.0]:.3f}.",
        Table(
            ("what", "lr", "lowest", "median", "highest"),
            [
                *(
                    (f"distance, {name}, cliff × {steep:g}", slopes[name, steep], *spread(ways[name, steep][:, -1]))
                    for name, steep in falls
                ),
                *(
                    (f"test loss, {name}, p = {rare}", lrs[name, rare], *spread(losses[name, rare]))
                    for name, rare in tests
                ),
            ],
        ),
        draw,
    )
