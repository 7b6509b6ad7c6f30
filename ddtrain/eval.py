"""Evaluate what runs have trained, alone and together: ``ddtrain eval RUN [RUN ...] [options]``

ddtrain eval runs/digits_mlp-... --checkpoint all
mpirun -n 4 ddtrain eval seed-0 seed-1 seed-2

Prints the figures of each checkpoint on the validation data of its run, and on its test data, if it has some. Of
several, of one run or of runs of the same model, it also prints those of the ensemble, whose answer is the mean of its
members': of their probabilities, if the loss is a cross-entropy, else of their outputs. With the run's --run.shards, or
on as many ranks as it had, figures are the run's own, to the last bit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from ddtrain.comm import Communicator, run_on_all, run_on_rank_0, run_ranks
from ddtrain.commands.command import make_parser, run_command
from ddtrain.errors import UsageError
from ddtrain.nn import Ensemble, Module
from ddtrain.nn.layers.ensemble import Combine
from ddtrain.recipes import RECIPES
from ddtrain.recipes.trained import SavedRun, read_run, read_values
from ddtrain.standard_output import say, tolerant_output
from ddtrain.trainer.checkpoint import fitted_state
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.evaluation.trained_values import TrainedValues
from ddtrain.trainer.main import Recipe
from ddtrain.trainer.task import Task, describe_data, verify_same_data

Figures = dict[str, float]
COMBINATIONS = ("auto", "probabilities", "outputs")


class Evaluations(NamedTuple):
    """What :func:`evaluate_runs` has found.

    Attributes
    ----------
    members : the figures of each checkpoint, by its path
    ensemble : those of all together; none if there is one
    combine : how their answers were combined
    """

    members: dict[Path, Figures]
    ensemble: Figures
    combine: str


def evaluate_runs(
    comm: Communicator,
    runs: Sequence[Path | str],
    checkpoints: Sequence[str] = ("best",),
    combine: str = "auto",
    recipes: Mapping[str, Recipe] = RECIPES,
    report: Callable[[Path, Figures], None] = lambda path, figures: None,
    same_model: bool = True,
) -> Evaluations:
    """Evaluate checkpoints of runs, and the ensemble of them if there are several. Collective.

    Parameters
    ----------
    runs : their directories
    checkpoints : of each run: best, last or all; or paths, if there is one run
    combine : "probabilities" or "outputs", see :class:`ddtrain.nn.Ensemble`; "auto": as the task says
    recipes : where the runs' recipes are looked up
    report : called on each rank with the figures of each member, as soon as they are found
    same_model : whether the options of the runs' models must be the same

    Raises
    ------
    UsageError : on all ranks: there is no such run, runs do not belong together, or there is no validation data
    CheckpointError : on all ranks: there is no such checkpoint, it is damaged, or of another model
    """
    places = dict.fromkeys(map(Path, runs))
    found = run_on_all(comm, lambda: _alike([read_run(place, recipes) for place in places], same_model))
    paths = run_on_all(comm, lambda: [_paths(run, checkpoints, len(found)) for run in found])
    opened = [_open(comm, run, recipes) for run in found]
    run_on_all(comm, lambda: _require_same_data(found, opened))
    figures: dict[Path, Figures] = {}
    models, values = list[Module](), dict[str, Any]()
    for trained, its_paths in zip(opened, paths, strict=True):
        for path in its_paths:
            mine = read_values(trained, path)
            run_on_all(comm, partial(_require_same_inputs, opened[0], trained, path))
            figures[path] = trained.figures(trained.task.model, mine)
            report(path, figures[path])
            values |= {f"{len(models)}.{name}": x for name, x in mine.items()}
            models.append(deepcopy(trained.task.model))
    how = combine if combine != "auto" else "probabilities" if opened[0].task.logits else "outputs"
    together = opened[0].figures(Ensemble(*models, combine=cast(Combine, how)), values) if len(models) > 1 else {}
    return Evaluations(figures, together, how)


def _open(comm: Communicator, run: SavedRun, recipes: Mapping[str, Recipe]) -> TrainedValues:
    run_on_all(comm, lambda: validate(run.config, comm.size))
    task = run_on_all(comm, lambda: run.build_task(recipes))
    verify_same_data(comm, task, test=True)
    return TrainedValues(comm, run.config, task)


def _paths(run: SavedRun, wanted: Sequence[str], runs: int) -> list[Path]:
    """The checkpoints of a run that are to be evaluated, each once."""
    for word in wanted:
        if runs > 1 and word not in ("best", "last", "all"):
            raise UsageError(
                f"--checkpoint {word} is of one run, and there are {runs}",
                remedy="Give exactly one RUN with the path of a checkpoint, or best, last or all.",
            )
    return list(dict.fromkeys(path for word in wanted for path in run.checkpoints(word)))


def _alike(runs: Sequence[SavedRun], same_model: bool) -> Sequence[SavedRun]:
    """The runs, if they have the same recipe, loss, type of numbers, and model if it must be the same."""
    first, *others = runs
    sections = ("model", "loss") if same_model else ("loss",)
    for run in others:
        for what, here, there in _traits(first, run, sections):
            if here != there:
                raise UsageError(
                    f"{run.directory} has {what} {there}, but {first.directory} has {here}",
                    remedy="Give runs of one model, or evaluate them one by one.",
                )
    return runs


def _traits(first: SavedRun, run: SavedRun, sections: Sequence[str]) -> Iterator[tuple[str, Any, Any]]:
    yield "recipe", first.recipe, run.recipe
    yield "--run.dtype", first.config.run.dtype, run.config.run.dtype
    here, there = (other.config.to_table() for other in (first, run))
    for section, name in [*((s, name) for s in sections for name in here.get(s, {})), ("data", "inputs")]:
        option = f"--{section}.{name.replace('_', '-')}"
        yield option, here[section].get(name), there.get(section, {}).get(name)


def _require_same_data(runs: Sequence[SavedRun], opened: Sequence[TrainedValues]) -> None:
    """Raise UsageError unless all runs are evaluated on the same samples."""
    first, *others = (_described(trained.task) for trained in opened)
    for run, other in zip(runs[1:], others, strict=True):
        if other != first:
            raise UsageError(
                f"the runs have different validation data: {first} in {runs[0].directory}, {other} in {run.directory}",
                remedy="Evaluate them one by one.",
            )


def _described(task: Task) -> str:
    sets = {**task.valid_sets, **({"test": task.test} if task.test else {})}
    return ", ".join(f"{name} {describe_data(dataset)}".lstrip() for name, dataset in sets.items()) or "none"


def _require_same_inputs(first: TrainedValues, other: TrainedValues, path: Path) -> None:
    """Raise UsageError unless what was fitted to data, such as the inputs' moments, is the first run's."""
    here, there = (fitted_state.tensors_of(trained.task.fitted) for trained in (first, other))
    if here.keys() != there.keys() or any(here[name].tobytes() != there[name].tobytes() for name in here):
        raise UsageError(
            f"{path}: what was fitted to data ({', '.join(there) or 'nothing'}) is not what the first run has",
            remedy="Evaluate the runs one by one.",
        )


def main(argv: Sequence[str], recipes: Mapping[str, Recipe] = RECIPES) -> int:
    """Evaluate what a command line says; returns the exit code."""
    parser = make_parser("eval", __doc__ or "")
    parser.usage = "%(prog)s RUN [RUN ...] [--checkpoint WHICH ...] [--combine HOW] [--backend BACKEND]"
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="directories of runs")
    parser.add_argument(
        "--checkpoint",
        nargs="+",
        default=["best"],
        metavar="WHICH",
        help="best (unless told), last or all; or paths, which needs exactly one RUN",
    )
    parser.add_argument("--combine", choices=COMBINATIONS, default="auto", help="whose mean the ensemble's answer is")
    parser.add_argument("--backend", default="auto", help="as --comm.backend of ddtrain train (%(default)s)")
    return run_command(parser, argv, lambda given: _evaluate(given, recipes))


def _evaluate(given: argparse.Namespace, recipes: Mapping[str, Recipe]) -> int:
    if not given.runs:
        raise UsageError("eval: no RUN is given", remedy="Write it first: what follows --checkpoint are checkpoints.")

    def on_each_rank(comm: Communicator) -> None:
        def show(who: object, figures: Figures) -> None:
            run_on_rank_0(comm, lambda: say(_line(who, figures), sys.stdout))

        found = evaluate_runs(comm, given.runs, given.checkpoint, given.combine, recipes, show)
        if found.ensemble:
            show(f"ensemble of {len(found.members)}, mean of their {found.combine}", found.ensemble)

    return run_ranks(given.backend, on_each_rank)


def _line(who: object, figures: Figures) -> str:
    return f"{who}: {', '.join(f'{name} {value:.6g}' for name, value in figures.items())}\n"


if __name__ == "__main__":
    with tolerant_output():
        code = main(sys.argv[1:])
    sys.exit(code)
