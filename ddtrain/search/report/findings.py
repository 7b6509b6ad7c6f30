"""What a search has found, as all that shows it take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ddtrain.search.judge import Judge
from ddtrain.search.space import Space
from ddtrain.search.trials import Outcome, ranked


@dataclass(frozen=True)
class Findings:
    """A search that is over.

    Attributes
    ----------
    title : what was searched, and how
    space, judge : what was tried, and what decided
    outcomes : of each trial its last
    winners : trials in the order of their final figures
    figures : of each winner, on validation and test data
    ensemble : the same of all winners together; empty if there is none
    combine : what the ensemble's answer is the mean of
    warnings : what the user should look at
    following : the next, finer space
    """

    title: str
    space: Space
    judge: Judge
    outcomes: Sequence[Outcome]
    winners: Sequence[int]
    figures: Sequence[dict[str, float]]
    ensemble: dict[str, float]
    combine: str
    following: Space
    warnings: Sequence[str] = field(default_factory=tuple)

    @property
    def in_order(self) -> list[Outcome]:
        """The winners, the others from the best on, and those that have failed."""
        first = {trial: place for place, trial in enumerate(self.winners)}
        good = sorted(ranked(self.outcomes), key=lambda outcome: first.get(outcome.trial, len(first)))
        return [*good, *(outcome for outcome in self.outcomes if outcome.failed)]

    def to_table(self) -> dict[str, Any]:
        """What SEARCH/summary.json holds."""
        return {
            "trials": [outcome.to_json() for outcome in self.in_order],
            "winners": list(self.winners),
            "figures": list(self.figures),
            "ensemble": self.ensemble,
            "combine": self.combine,
            "warnings": list(self.warnings),
            "next_space": self.following.to_table(),
        }
