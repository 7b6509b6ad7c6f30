"""Methods, played over figures that are made up: which trials they try, how long, and what they give up."""

from __future__ import annotations

import math
from itertools import chain, pairwise

import pytest

from ddtrain.errors import UsageError
from ddtrain.search.methods import METHODS, Budget, play, rungs
from ddtrain.search.narrowing import narrowed, on_border
from ddtrain.search.ranges import Choices, Range
from ddtrain.search.space import Space
from ddtrain.search.trials import Leg, Outcome

BEST = 0.02  # learning rate
SPACE = Space((Range("optim.lr", 1e-4, 1.0, log=True),))
anything = lambda key, value: True


def outcome(leg: Leg) -> Outcome:
    """The nearer to the best rate, the better, and the longer the better; far too high rates fail."""
    lr = leg.values["optim.lr"]
    score = math.nan if lr > 0.5 else abs(math.log(lr / BEST)) + 1 / leg.epochs
    return Outcome(leg.trial, dict(leg.values), leg.epochs, score)


def stages(method: str, budget: Budget, seed: int = 0) -> tuple[list[list[Leg]], Space]:
    seen: list[list[Leg]] = []

    def run(legs: list[Leg]) -> list[Outcome]:
        seen.append(legs)
        return [outcome(leg) for leg in legs]

    last = play(METHODS[method](SPACE, seed, budget, anything), run)
    return seen, last


def test_random_and_grid_are_one_stage() -> None:
    (drawn,), _ = stages("random", Budget(trials=5, epochs=7))
    assert [(leg.trial, leg.epochs) for leg in drawn] == [(n, 7) for n in range(5)]
    assert [leg.values for leg in drawn] == [SPACE.draw(0, n) for n in range(5)]
    (laid,), _ = stages("grid", Budget(points=5, epochs=7))
    assert [leg.values["optim.lr"] for leg in laid] == [1e-4, 1e-3, 0.01, 0.1, 1.0]


SIZES = [(16, 2, [16, 8, 4, 2, 1]), (16, 3, [16, 5, 1]), (5, 4, [5, 1])]


@pytest.mark.parametrize(("trials", "factor", "sizes"), SIZES)
def test_halving_keeps_the_best_of_each_stage(trials: int, factor: int, sizes: list[int]) -> None:
    seen, last = stages("halving", Budget(trials=trials, epochs=32, factor=factor))
    assert [len(legs) for legs in seen] == sizes
    assert last == SPACE
    for before, after in pairwise(seen):
        scores = {leg.trial: outcome(leg).score for leg in before if not outcome(leg).failed}
        went_on = sorted(scores, key=scores.__getitem__)[: len(after)]
        assert [leg.trial for leg in after] == went_on
        assert after[0].epochs > before[0].epochs
    assert seen[-1][0].epochs == 32


def test_halving_spends_about_as_much_on_every_stage() -> None:
    seen, _ = stages("halving", Budget(trials=27, epochs=27, factor=3))
    assert [len(legs) * legs[0].epochs for legs in seen] == [27, 27, 27, 27]


def test_halving_goes_on_with_fewer_where_many_fail() -> None:
    dead = Space((Range("optim.lr", 0.6, 1.0),))
    seen: list[int] = []

    def run(legs: list[Leg]) -> list[Outcome]:
        seen.append(len(legs))
        return [outcome(leg) for leg in legs]

    play(METHODS["halving"](dead, 0, Budget(trials=9, epochs=9), anything), run)
    assert seen == [9], "none is left to go on with"


@pytest.mark.parametrize(
    "budget", [Budget(trials=16, epochs=1), Budget(trials=2, epochs=30), Budget(epochs=4, every=4)]
)
def test_what_cannot_be_halved_is_refused(budget: Budget) -> None:
    with pytest.raises(UsageError, match="cannot be divided by --factor 3"):
        rungs(budget)


def test_rungs_end_where_there_are_evaluations() -> None:
    for epochs in range(2, 40):
        for every in (1, 2, 5):
            try:
                found = rungs(Budget(trials=27, epochs=epochs, every=every))
            except UsageError:
                continue
            assert found == sorted(set(found))
            assert found[-1] == epochs
            assert all(length % every == 0 for length in found[:-1])


def test_coarse_to_fine_comes_nearer() -> None:
    """Three rounds of eight come nearer than 24 random trials, over seeds: each round divides the range by four."""
    nearer = 0
    for seed in range(20):
        seen, last = stages("coarse-to-fine", Budget(trials=24, rounds=3, epochs=1), seed)
        assert [len(legs) for legs in seen] == [8, 8, 8]
        (drawn,), _ = stages("random", Budget(trials=24, epochs=1), seed)
        fine, rough = (
            min(outcome(leg).score for leg in legs if not outcome(leg).failed) for legs in (chain(*seen), drawn)
        )
        nearer += fine < rough
        (dimension,) = last.dimensions
        assert isinstance(dimension, Range)
        assert math.log(dimension.high / dimension.low) == pytest.approx(math.log(1e4) / 16, rel=0.05)
    # without a difference 17 of 20 or more come once in 780 times
    assert nearer >= 17


def test_choices_that_the_best_quarter_took_are_kept() -> None:
    space = Space((Choices("model.hidden", (2, 4, 8)),))
    tried = [Outcome(n, {"model.hidden": hidden}, 1, score) for n, (hidden, score) in enumerate(
        [(8, 0.1), (2, 0.2), (4, 0.3), (4, 0.4), (8, 0.5), (2, 0.6), (4, 0.7), (4, math.nan)]
    )]  # fmt: skip
    assert narrowed(space, tried, anything) == Space((Choices("model.hidden", (2, 8)),))


def test_a_border_that_the_option_does_not_allow_to_be_passed() -> None:
    space = Space((Range("optim.momentum", 0.5, 0.9),))
    best = Outcome(0, {"optim.momentum": 0.89}, 1, 0.1)
    after = narrowed(space, [best], lambda key, value: value <= 0.9)
    (line,) = on_border(space, best, after)
    assert line.endswith(
        "lies on the border of its range 0.5 to 0.9: the option allows no more; closer by, try 0.84 to 0.9"
    )


def test_choices_on_the_border_are_said() -> None:
    space = Space((Choices("model.hidden", (2, 4, 8)),))
    best = Outcome(0, {"model.hidden": 8}, 1, 0.1)
    (line,) = on_border(space, best, narrowed(space, [best], anything))
    assert line == "the best model.hidden, 8, is the greatest of its choices 2, 4, 8: try larger ones"
