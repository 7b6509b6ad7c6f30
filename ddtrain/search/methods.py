"""The methods of search: which trials, and how long each is trained.

A method is a generator of stages. It yields legs, is sent their outcomes in the same order, and yields the next; at the
end it returns the space that it has drawn from last. It draws by seed, option and number of the trial, and decides by
outcomes alone; so the trials are the same on any number of ranks, and a search is taken up again by playing the method
anew, with the outcomes that there are.

References
----------
Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 2012: why not a grid.
Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, arXiv:1502.07943:
successive halving.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

from ddtrain.errors import UsageError
from ddtrain.search.narrowing import Allowed, narrowed
from ddtrain.search.space import Space
from ddtrain.search.trials import Leg, Outcome, best_of, ranked

Stages: TypeAlias = Generator[list[Leg], list[Outcome], Space]


@dataclass(frozen=True)
class Budget:
    """How much a search may try, and what its methods are told.

    Attributes
    ----------
    trials : how many are drawn
    epochs : of a trial, before it is known whether it is among the winners
    every : epochs between two evaluations, of which a leg's length is a multiple
    points : of a range, in a grid
    factor : of halving: one of so many trials goes on, for so many times as long
    rounds : of coarse-to-fine
    """

    trials: int = 16
    epochs: int = 10
    every: int = 1
    points: int = 5
    factor: int = 3
    rounds: int = 3


def play(stages: Stages, run: Callable[[list[Leg]], list[Outcome]]) -> Space:
    """Run a method's stages to its end; returns the space that it has drawn from last."""
    legs = next(stages)
    while True:
        outcomes = run(legs)
        try:
            legs = stages.send(outcomes)
        except StopIteration as end:
            last: Space = end.value
            return last


def grid(space: Space, seed: int, budget: Budget, allowed: Allowed) -> Stages:
    """All combinations of the choices and of evenly spaced values of the ranges."""
    yield [Leg(trial, values, budget.epochs) for trial, values in enumerate(space.grid(budget.points))]
    return space


def random(space: Space, seed: int, budget: Budget, allowed: Allowed) -> Stages:
    """Values drawn at random, from logarithms where the range says so."""
    yield _drawn(space, seed, range(budget.trials), budget.epochs)
    return space


def halving(space: Space, seed: int, budget: Budget, allowed: Allowed) -> Stages:
    """Random trials, all for a short time; of each stage's, one of ``factor`` goes on for ``factor`` times as long.

    A stage is over when all its trials are, so that the choice does not depend on which rank is faster.
    """
    lengths = rungs(budget)
    legs = _drawn(space, seed, range(budget.trials), lengths[0])
    for number, epochs in enumerate(lengths):
        outcomes = yield [Leg(leg.trial, leg.values, epochs) for leg in legs]
        kept = best_of(outcomes, max(1, budget.trials // budget.factor ** (number + 1)))
        legs = [Leg(outcome.trial, outcome.values, epochs) for outcome in kept]
        if not legs:
            break
    return space


def rungs(budget: Budget) -> list[int]:
    """The epochs at which halving gives trials up, and at last the whole length.

    Raises
    ------
    UsageError : the trials are too short, or too few, to be halved

    >>> rungs(Budget(trials=16, epochs=10, factor=3)), rungs(Budget(trials=16, epochs=8, every=2, factor=2))
    ([2, 4, 10], [2, 4, 8])
    """
    lengths, share = [budget.epochs], 1
    while (share := share * budget.factor) <= budget.trials:
        epochs = -(-budget.epochs // (share * budget.every)) * budget.every  # rounded up to an evaluation
        if epochs >= lengths[0]:
            break
        lengths.insert(0, epochs)
    if len(lengths) == 1:
        raise UsageError(
            f"--method halving: {budget.trials} trials of {budget.epochs} epochs cannot be divided by "
            f"--factor {budget.factor}",
            remedy="Give more --run.epochs, more --trials, or another method.",
        )
    return lengths


def coarse_to_fine(space: Space, seed: int, budget: Budget, allowed: Allowed) -> Stages:
    """Random trials in rounds, each in a quarter of the ranges of the round before, around the best trial so far."""
    tried: list[Outcome] = []
    for number in range(budget.rounds):
        space = narrowed(space, tried, allowed) if ranked(tried) else space
        first, last = (budget.trials * n // budget.rounds for n in (number, number + 1))
        tried += yield _drawn(space, seed, range(first, last), budget.epochs)
    return space


def _drawn(space: Space, seed: int, trials: range, epochs: int) -> list[Leg]:
    return [Leg(trial, space.draw(seed, trial), epochs) for trial in trials]


METHODS: dict[str, Callable[[Space, int, Budget, Allowed], Stages]] = {
    "random": random,
    "grid": grid,
    "halving": halving,
    "coarse-to-fine": coarse_to_fine,
}
READS = {  # the fields of the budget that a method reads, beside epochs; others may not be given
    "random": ("trials",),
    "grid": ("points",),
    "halving": ("trials", "factor"),
    "coarse-to-fine": ("trials", "rounds"),
}
