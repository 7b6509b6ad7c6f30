"""The figure by which trials are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ddtrain.errors import UsageError, quoted
from ddtrain.search.trials import Outcome
from ddtrain.suggestions import did_you_mean

LOSS = "valid_loss"  # where it is lowest, a run has its best checkpoint


@dataclass(frozen=True)
class Judge:
    """A figure of evaluations, of which less is better unless it is to be maximized.

    It counts at the evaluation with the lowest validation loss, as that one's checkpoint is what the trial gives.

    >>> evaluations = [{"epoch": 1, "valid_loss": 0.5, "valid_accuracy": 0.9}, {"epoch": 2, "valid_loss": 0.6}]
    >>> Judge("valid_accuracy", maximize=True).judged(Outcome(0, {}, 2), evaluations).score
    -0.9
    """

    figure: str = LOSS
    maximize: bool = False

    def require(self, figures: Mapping[str, Any]) -> None:
        """Raise UsageError unless the figure is one of an evaluation's."""
        if self.figure not in figures:
            hint = did_you_mean(self.figure, figures)
            raise UsageError(
                f"search: trials have no figure {quoted(self.figure)}",
                remedy=f"{hint} There is {', '.join(figures)}.".lstrip(),
            )

    def judged(self, outcome: Outcome, evaluations: Sequence[Mapping[str, Any]]) -> Outcome:
        """The outcome with what the evaluations of its run say.

        Raises
        ------
        UsageError : they have no such figure
        """
        finite = [line for line in evaluations if math.isfinite(line[LOSS])]
        if not finite:
            return replace(outcome, why=f"{LOSS} was not finite in any evaluation")
        best = min(finite, key=lambda line: float(line[LOSS]))
        figures = {name: float(value) for name, value in best.items() if name not in ("step", "epoch")}
        self.require(figures)
        value = figures[self.figure]
        if not math.isfinite(value):
            return replace(outcome, figures=figures, why=f"{self.figure} is {value:g} where {LOSS} is lowest")
        return replace(outcome, score=-value if self.maximize else value, epoch=int(best["epoch"]), figures=figures)

    def figure_of(self, outcome: Outcome) -> float:
        """The figure of an outcome."""
        return -outcome.score if self.maximize else outcome.score
