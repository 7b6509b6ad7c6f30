"""The winners of a search on their validation data and, at last, on test data that no choice has seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ddtrain.comm import Communicator
from ddtrain.errors import ShapeError, UsageError
from ddtrain.eval import evaluate_runs
from ddtrain.search.training import Trainee
from ddtrain.trainer.main import Recipe


class Evaluated(NamedTuple):
    """The winners' figures, by name: ``valid_loss``, ``test_loss`` and so on.

    Attributes
    ----------
    members : of each
    ensemble : of all together; empty if there is no ensemble
    combine : what its answer is the mean of
    why : why there is none of several
    """

    members: list[dict[str, float]]
    ensemble: dict[str, float]
    combine: str
    why: str


def evaluate_winners(comm: Communicator, trainee: Trainee, trials: Sequence[int]) -> Evaluated:
    """Figures of the best checkpoint of each winner, and of the ensemble of all. Collective."""
    recipes = {trainee.name: Recipe(trainee.config, trainee.build, "")}
    runs = [trainee.of(trial) for trial in trials]
    try:
        found = evaluate_runs(comm, runs, recipes=recipes, same_model=False)
    except (UsageError, ShapeError) as error:  # on all ranks: their inputs or losses differ, or what they answer
        if len(runs) == 1:
            raise
        alone = [_alone(comm, run, recipes) for run in runs]
        return Evaluated(alone, {}, "", error.message)
    return Evaluated(list(found.members.values()), found.ensemble, found.combine, "")


def _alone(comm: Communicator, run: Path, recipes: dict[str, Recipe]) -> dict[str, float]:
    return next(iter(evaluate_runs(comm, [run], recipes=recipes).members.values()))
