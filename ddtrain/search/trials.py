"""What a search is made of: legs of trials that are to be trained, and what became of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Leg:
    """A trial's training up to an epoch: from its beginning, or from where its last leg has ended.

    Attributes
    ----------
    trial : its number, counted from 0
    values : of the options that are searched
    epochs : those that the trial has behind it at the leg's end
    """

    trial: int
    values: Mapping[str, Any]
    epochs: int


@dataclass(frozen=True)
class Outcome:
    """What became of a leg. Travels between ranks and is kept in files as JSON.

    Attributes
    ----------
    trial, values, epochs : of the leg
    score : the figure that trials are judged by, at the evaluation with the lowest validation loss so far; lower is
        better. NaN: the trial has failed
    epoch : of that evaluation
    figures : all figures of that evaluation
    why : why the trial has failed, on one line
    seconds : that the trial has taken, over all its legs
    """

    trial: int
    values: dict[str, Any]
    epochs: int
    score: float = math.nan
    epoch: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    why: str = ""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the trial has no result, and is not trained any further."""
        return not math.isfinite(self.score)

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON has it."""
        return asdict(self)

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Outcome:
        """The outcome that JSON tells of, in which numbers that are not finite may be texts."""
        figures = {name: float(value) for name, value in told["figures"].items()}
        return cls(**{**told, "score": float(told["score"]), "figures": figures})


def ranked(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Those that did not fail, the best first: what has come further is ahead of what was given up before.

    >>> tried = [Outcome(0, {}, 3, score=0.5), Outcome(1, {}, 9, score=0.6), Outcome(2, {}, 9), Outcome(3, {}, 3, 0.4)]
    >>> [outcome.trial for outcome in ranked(tried)]
    [1, 3, 0]
    """
    alive = [outcome for outcome in outcomes if not outcome.failed]
    return sorted(alive, key=lambda outcome: (-outcome.epochs, outcome.score, outcome.trial))


def latest(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Of each trial the outcome of its last leg, by number."""
    found: dict[int, Outcome] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.epochs):
        found[outcome.trial] = outcome
    return [found[trial] for trial in sorted(found)]


def best_of(outcomes: Sequence[Outcome], count: int) -> list[Outcome]:
    """At most so many, the best first."""
    return ranked(outcomes)[:count]
