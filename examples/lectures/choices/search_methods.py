"""Claim 29. At an equal budget random search beats a grid, and log-uniform ranges beat uniform ones.

Lecture: choosing hyperparameters.

A perceptron of 64-32-10 units learns 500 digits for eight epochs. Searches have 16 trials: of four options (learning
rate, decay, momentum, limit of the gradient's norm), so that a grid tries two values of each, and of the first two
alone, four values of each. Ranges are log-uniform unless said otherwise; that of the rate is seven decades wide, as in
the lecture's first search, and where it lies is drawn anew for each of six searches. Grids have their values in the
middle of equal parts. The best trial on 500 other digits counts, by its error on the 797 that are left.

Bergstra and Bengio, "Random search for hyper-parameter optimization", JMLR 2012.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import ddtrain
from ddtrain import data
from ddtrain.models import Mlp
from ddtrain.recipes.common import classify
from ddtrain.recipes.images import DIGITS
from ddtrain.search.space import Space, Values, applied, make_space
from ddtrain.trainer.config.config import Config
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, curves
from examples.lectures.training import fitted

Array = np.ndarray[Any, Any]
FOUR = ("optim.lr", "optim.weight_decay", "optim.momentum", "clip.norm")
TWO = FOUR[:2]
DIVERGED = 90.0  # percent, the error of guesses


class Trial(NamedTuple):
    """Errors in percent on the digits to choose by, and on the others."""

    valid: float
    test: float


def space(names: Sequence[str], log: bool, search: int) -> Space:
    """Of some options; a momentum is uniform in any case, as its range begins at 0."""
    lowest = 10 ** np.random.default_rng(search).uniform(-7.5, -4.5)
    ranges = {"optim.lr": (lowest, 1e7 * lowest), "optim.weight_decay": (1e-6, 0.1), "clip.norm": (0.1, 100.0)}
    table = {name: {"log_uniform" if log else "uniform": list(ends)} for name, ends in ranges.items()}
    table["optim.momentum"] = {"uniform": [0.0, 0.99]}
    return make_space({name: table[name] for name in names}, Config())


def drawn(options: Space, seed: int, trials: int) -> list[Values]:
    return [options.draw(seed, trial) for trial in range(trials)]


def grid(options: Space, seed: int, trials: int) -> list[Values]:
    """The middles of equal parts."""
    points = round(trials ** (1 / len(options.dimensions)))
    values = ([dimension.at((k + 0.5) / points) for k in range(points)] for dimension in options.dimensions)
    return [dict(zip((each.key for each in options.dimensions), found)) for found in itertools.product(*values)]


def trial(values: Values, seed: int, size: Size) -> Trial:
    found, count = data.digits(), size(500, small=200)
    pictures = np.concatenate([found.x_train, found.x_test]).reshape(-1, 64)
    x, y = ((pictures - DIGITS[0]) / DIGITS[1]).astype(np.float32), np.concatenate([found.y_train, found.y_test])
    model = Mlp((64, 32, 10))
    task = ddtrain.Task(model, classify, train=(x[:count], y[:count]))
    options = {"epochs": size(8, small=2), "batch_size": 50, "seed": seed, "checkpoint": {"every": 1_000_000}}
    run = fitted(task, config=applied(Config(), values), **options)
    if run is None:
        return Trial(DIVERGED, DIVERGED)
    net = run.load(model, "last")
    parts = (slice(500, 1000), slice(1000, None))
    return Trial(*(100 * (1 - ddtrain.evaluate(net, classify, (x[part], y[part]))["accuracy"]) for part in parts))


def best(trials: Sequence[Trial]) -> Trial:
    """What a search ends with: the first trial of those that are best on the digits to choose by."""
    return min(trials, key=lambda trial: trial.valid)


def expected_best(errors: Array) -> Array:
    """The least error to be expected of 1, 2, ... trials, drawn from these without regard to their order."""
    n, ordered = len(errors), np.sort(errors)
    shares = [[math.comb(n - 1 - i, k - 1) / math.comb(n, k) for i in range(n)] for k in range(1, n + 1)]
    return np.asarray(np.array(shares) @ ordered)


def pictured(figure: Any, trials: Mapping[str, list[list[Trial]]]) -> None:
    """What each search ends with, and what is to be expected of fewer trials."""
    ends, fewer = figure.subplots(1, 2)
    for k, searches in enumerate(trials.values()):
        errors = [best(search).test for search in searches]
        ends.plot(errors, [k] * len(errors), "o", ms=4, color=COLORS[k])
        ends.plot([np.median(errors)], [k], "|", ms=16, color=COLORS[k])
    ends.set_yticks(range(len(trials)), list(trials))
    ends.invert_yaxis()
    ends.set(xscale="log", xlabel="test error of the best of all trials, %")
    rows = {
        name: [expected_best(np.array([one.valid for one in search])) for search in trials[name]] for name in trials
    }
    count = len(next(iter(rows.values()))[0])
    curves(fewer, [(name, np.median(found, axis=0)) for name, found in rows.items()], range(1, count + 1))
    fewer.set(yscale="log", xlabel="trials", ylabel="expected error of the best, %", xticks=range(0, count + 1, 4))
    fewer.get_legend().remove()  # the colors are those of the other picture, which names them
    for axis, which in ((ends, "x"), (fewer, "y")):
        ticks = (5, 10, 20, 50)
        axis.set(**{f"{which}ticks": ticks, f"{which}ticklabels": [str(tick) for tick in ticks]})
        axis.minorticks_off()


def study(size: Size) -> Finding:
    budget, searches = size(16, small=4), range(size(6, small=2))
    kinds = {
        "random, 4 options": (drawn, FOUR, True),
        "grid, 4 options": (grid, FOUR, True),
        "random, uniform, 4 options": (drawn, FOUR, False),
        "random, 2 options": (drawn, TWO, True),
        "grid, 2 options": (grid, TWO, True),
    }
    values = {
        name: [method(space(options, log, search), search, budget) for search in searches]
        for name, (method, options, log) in kinds.items()
        if options is TWO or not size.small  # as a grid of four options has 16 trials or more
    }
    for name, found in values.items():
        rates = {one["optim.lr"] for one in found[0]}
        tried = budget if "random" in name else round(budget ** (1 / len(kinds[name][1])))
        expect(len(found[0]) == budget and len(rates) == tried, f"{name}: {len(rates)} rates in {len(found[0])} trials")
    trials = {
        name: [[trial(each, search, size) for each in found[search]] for search in searches]
        for name, found in values.items()
    }
    errors = {name: np.array([best(search).test for search in found]) for name, found in trials.items()}
    table = Table(
        ("method", "median test error, %", "best search", "worst search"),
        [(name, np.median(found), found.min(), found.max()) for name, found in errors.items()],
    )
    draw = lambda figure: pictured(figure, trials)
    if size.small:
        return Finding(Verdict.IN_PART, "Searches of 4 trials say nothing yet.", table, draw)
    random, gridded, uniform, random_2, gridded_2 = errors.values()
    wins, wins_2 = (random < gridded).sum(), (random_2 < gridded_2).sum()
    expect(wins >= 4 and np.median(random) < np.median(gridded), f"of four options: {random}, {gridded}")
    expect(wins_2 <= 2 and np.median(random_2) > np.median(gridded_2), f"of two options: {random_2}, {gridded_2}")
    expect(np.median(random) < np.median(uniform) and random.max() < 20 < uniform.max(), f"uniform: {uniform}")
    return Finding(
        Verdict.IN_PART,
        f"With four options, where a grid of 16 trials has two values of each, random search wins {wins} times of 6 "
        f"(median error {np.median(random):.1f} % against {np.median(gridded):.1f} %, at worst {random.max():.0f} % "
        f"against {gridded.max():.0f} %); with two options, where it has four, the grid wins {6 - wins_2} of 6 "
        f"({np.median(gridded_2):.1f} % against {np.median(random_2):.1f} %). Uniform ranges end at up to "
        f"{uniform.max():.0f} %, wherever the rate's range reaches far beyond the good rates, and at "
        f"{uniform.min():.1f} % where it ends near them.",
        table,
        draw,
    )
