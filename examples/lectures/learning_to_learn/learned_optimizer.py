"""Claim 35. An optimizer that has been learned beats tuned SGD and Adam on the problems that it was learned for, and
does well on others that are like them.

Lecture: learning to learn by gradient descent by gradient descent.

The LSTM of Andrychowicz et al. (2016), arXiv:1606.04474, of two layers of 20 units, is learned on random least squares
|A x − b|² in ten dimensions, for 100 steps from a normal start, by truncations of 20; three times, from three seeds.
Then each of them, SGD and Adam get a search of 16 settings: sixteen multipliers of the learned steps; eight rates
without momentum and with 0.9; eight rates with β₁ = 0.5 and 0.9. A score is the mean loss over the steps, by that of
the start. They are compared on new problems of the family, and off it: for three times as many steps, in thirty
dimensions, with A three times as large, and on a perceptron for the digits; there all are searched again. This takes
some four minutes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import optim
from ddtrain.meta import Family, Learned, LstmNetwork, LstmTraining
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, curves
from examples.lectures.learning_to_learn._families import PROBLEMS, network, quadratics
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
TUNING, JUDGING = (100, 101), (0, 1, 2, 3, 4)  # seeds of problems, each a batch of them
OWN, OTHER = "its own family", "a perceptron on digits"


def learned(seed: int, size: Size) -> tuple[LstmNetwork, int]:
    """A network that has been learned on the family, and how many gradients of a batch of problems that took."""
    start = LstmNetwork.initial(seed, hidden=size(20, small=6), dtype=np.float32)
    length, rounds = size(100, small=20), size(250, small=5)
    training = LstmTraining(quadratics(), network=start, seed=seed, problems=1, length=length)
    for number in range(rounds):
        training.lr = 0.01 if number < 0.75 * rounds else 0.001
        training.round()
    return training.network, rounds * (length + 1)


def tried(networks: list[LstmNetwork], count: int) -> dict[str, list[optim.Optim]]:
    """The settings that are searched for each optimizer, as many of all."""
    known: dict[str, list[optim.Optim]] = {
        "SGD": [optim.Sgd(lr=lr, momentum=m) for m in (0.0, 0.9) for lr in rates(1e-3, 1.0, count)],
        "Adam": [optim.Adam(lr=lr, beta1=m) for m in (0.5, 0.9) for lr in rates(1e-3, 1.0, count)],
    }
    for k, one in enumerate(networks):
        known[f"learned {k}"] = [Learned.of(one, lr) for lr in rates(0.1, 4.0, 2 * count)]
    return known


def score(family: Family, formula: optim.Optim, seed: int, steps: int) -> float:
    """The mean loss over the steps, by that of the start."""
    losses = family.losses(formula, np.random.default_rng(seed), steps)
    return float(losses[1:].mean() / losses[0])


def chosen(family: Family, known: list[optim.Optim], steps: int, size: Size) -> optim.Optim:
    """The best of some settings."""
    found: optim.Optim = tune(
        lambda formula, seed: score(family, formula, seed, steps), known, TUNING[: size(2, small=1)]
    ).setting
    return found


def judged(family: Family, formula: optim.Optim, steps: int, size: Size) -> float:
    """The median score on problems that no setting was chosen by."""
    return float(np.median([score(family, formula, seed, steps) for seed in JUDGING[: size(5, small=1)]]))


def study(size: Size) -> Finding:
    networks, gradients = zip(*(learned(seed, size) for seed in size.seeds))
    settings, steps = tried(list(networks), size(8, small=1)), size(100, small=20)
    families = {
        OWN: (quadratics(), steps),
        "three times the steps": (quadratics(), 3 * steps),
        "thirty dimensions": (quadratics(dimensions=30), steps),
        "A three times as large": (quadratics(scale=3.0), steps),
        OTHER: (network(), steps),
    }
    best, again, kept = {}, {}, {}
    for name, (family, length) in families.items():
        best[name] = {who: chosen(family, known, length, size) for who, known in settings.items()}
        again[name] = {who: judged(family, formula, length, size) for who, formula in best[name].items()}
        kept[name] = {who: judged(family, formula, length, size) for who, formula in best[OWN].items()}
    ratio = {name: of_learned(scores) / min(scores["SGD"], scores["Adam"]) for name, scores in again.items()}
    expect(again[OWN]["SGD"] < 1 and again[OWN]["Adam"] < 1, f"tuned optimizers make it worse: {again[OWN]}")
    if not size.small:  # five rounds learn nothing yet
        expect(ratio[OWN].max() < 0.8, f"on its own family, by the best of SGD and Adam: {ratio[OWN]}")
        expect(ratio[OTHER].min() > 1.3, f"on a perceptron, by the best of SGD and Adam: {ratio[OTHER]}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        own = {
            who: quadratics().losses(formula, np.random.default_rng(JUDGING[0]), steps) / PROBLEMS
            for who, formula in best[OWN].items()
        }
        curves(left, [("learned", of_learned(own)), ("SGD", own["SGD"]), ("Adam", own["Adam"])])
        left.set(xlabel="step", ylabel="loss of new problems of its family", yscale="log")
        for k, values in enumerate(ratio.values()):
            right.plot(values, np.full(len(values), -k), "o", alpha=0.6, color=COLORS[0])
        right.axvline(1.0, color="black", lw=0.8)
        right.set(xscale="log", xlabel="mean loss / best of SGD and Adam", yticks=-np.arange(len(ratio)))
        right.set(yticklabels=list(ratio), xticks=(at := [0.5, 1, 2, 4]), xticklabels=at)
        right.minorticks_off()

    likes = np.array([ratio[name] for name in families if name not in (OWN, OTHER)])
    return Finding(
        Verdict.IN_PART,
        f"On new problems of its family the mean loss of {len(networks)} learned optimizers is {_range(ratio[OWN])} "
        f"times that of the best of SGD and Adam; on least squares that are longer, larger or steeper "
        f"{_range(likes)} times, once its multiplier is searched there; on a perceptron {_range(ratio[OTHER])} times. "
        f"And each took {gradients[0]:,} gradients to learn, where a search took "
        f"{len(settings['SGD']) * len(TUNING) * (steps + 1):,}.",
        Table(
            ("problems", "learned", "SGD", "Adam", "learned, kept", "SGD, kept", "Adam, kept"),
            [(name, *_cells(again[name]), *_cells(kept[name])) for name in families],
        ),
        draw,
    )


def of_learned(of_all: dict[str, Any]) -> Array:
    """What belongs to the learned optimizers, one a row."""
    return np.array([found for who, found in of_all.items() if who.startswith("learned")])


def _cells(scores: dict[str, float]) -> list[float | str]:
    """Of the learned ones the median, SGD and Adam."""
    shown = [float(np.median(of_learned(scores))), scores["SGD"], scores["Adam"]]
    return [x if x < 10 else "diverges" for x in shown]


def _range(values: Array) -> str:
    return f"{values.min():.2g} to {values.max():.2g}"
