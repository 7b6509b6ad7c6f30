"""Claim 25. With a batch k times as large, a learning rate k times as large trains as well in as many epochs: this
linear-scaling rule holds up to a size of the batch, and breaks after it.

Lecture: training on many ranks, large batches.

A perceptron of 64 hidden units is trained on 2,048 pictures of clothes, 14×14 pixels, for ten epochs of plain gradient
descent, without warm-up, and what counts is its loss on all of them at the end. The smallest batch is of 8. Its rate is
chosen among five, from 0.0125 to 3.2, by two other seeds; those of larger batches follow from it by the rule, or stay
as they are, or are chosen for each batch by the same search. The rule also starts at a quarter of the chosen rate. It
holds where the loss is at most a quarter above that of the smallest batch.

Goyal et al., arXiv:1706.02677; Krizhevsky, arXiv:1404.5997; Shallue et al., arXiv:1811.03600.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain import nn, optim
from ddtrain.models import Mlp
from examples.lectures.batches._clothes import clothes, train
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.tuning import rates, tune

NETWORK = nn.Sequential(nn.Flatten(), Mlp((196, 64, 10)))
RATES = rates(0.0125, 3.2, 5)
HOLDS = 1.25  # times the loss of the smallest batch
Array = np.ndarray[Any, Any]


@functools.cache
def loss(batch: int, lr: float, seed: int, size: Size) -> float:
    """Of all training pictures at the end, infinite where the run diverges."""
    given = clothes(size(2048, small=256), test=100)
    options = {"optim": optim.Sgd(lr=lr, momentum=0.0), "batch_size": batch, "epochs": 10, "seed": seed}
    found = train(NETWORK, given, options)
    return math.inf if found is None else found.loss


def reach(batches: Sequence[int], losses: Array) -> int:
    """The largest batch up to which the median loss is about that of the smallest."""
    median = np.median(losses, axis=0)
    good = median <= HOLDS * median[0]
    return batches[len(batches) - 1 if good.all() else int(np.argmin(good)) - 1]


def study(size: Size) -> Finding:
    batches = [8, 64] if size.small else [8 * 2**k for k in range(7)]
    settings, seeds = (RATES[1:3], (10,)) if size.small else (RATES, (10, 11))

    def best(batch: int) -> float:
        return float(tune(lambda lr, seed: loss(batch, lr, seed, size), settings, seeds).setting)

    chosen = best(batches[0])
    rules = {
        f"scaled from {chosen:.2g}": [chosen * batch / batches[0] for batch in batches],
        f"scaled from {chosen / 4:.3g}": [chosen / 4 * batch / batches[0] for batch in batches],
        f"always {chosen:.2g}": [chosen] * len(batches),
        "chosen for each": [best(batch) for batch in batches],
    }
    losses = {
        name: np.array([[loss(batch, lr, seed, size) for batch, lr in zip(batches, rule)] for seed in size.seeds])
        for name, rule in rules.items()
    }
    up_to = {name: reach(batches, of_rule) for name, of_rule in losses.items()}
    median = {name: np.median(of_rule, axis=0) for name, of_rule in losses.items()}
    scaled, slower, fixed, each = rules
    expect(up_to[slower] < batches[-1], f"the rule never breaks: {median[slower]}")
    if not size.small:  # which has one larger batch, and it is too large
        expect(up_to[scaled] > batches[0], f"the rule never holds: {median[scaled]}")
        expect(up_to[scaled] < up_to[slower], f"it breaks at the same batch from a smaller rate: {up_to}")
        expect(up_to[fixed] < up_to[scaled], f"without the rule it is as good: {median[fixed]}")
        expect(up_to[each] < batches[-1], f"another rate would do for the largest batch: {median[each]}")

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        curves(axis, [(f"rate {name}", of_rule) for name, of_rule in losses.items()], batches)
        axis.set(xscale="log", yscale="log", xlabel="batch", ylabel="training loss after 10 epochs, nats")
        axis.set_xticks(batches, [str(batch) for batch in batches])
        axis.set_yticks((0.3, 0.5, 1, 2), ("0.3", "0.5", "1", "2"))
        axis.minorticks_off()

    last = {name: rules[name][batches.index(up_to[name])] for name in (scaled, slower)}
    return Finding(
        Verdict.HOLDS,
        f"From a rate of {chosen:.2g} with batches of {batches[0]} the rule holds up to batches of {up_to[scaled]}, "
        f"from a quarter of it up to {up_to[slower]}: it breaks at a rate (the last good ones are {last[scaled]:.2g} "
        f"and {last[slower]:.2g}) rather than at a batch. A rate that stays as it is does up to {up_to[fixed]}, and no "
        f"rate of the search beyond {up_to[each]}: with batches of {batches[-1]} the loss is {median[each][-1]:.2f} in "
        f"place of {median[each][0]:.2f}, as ten epochs are too few steps.",
        Table(
            ("rate", *(f"batch {batch}" for batch in batches), "holds up to"),
            [(name, *median[name], str(up_to[name])) for name in rules],
        ),
        draw,
    )
