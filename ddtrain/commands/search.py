"""Search options: ``ddtrain search RECIPE|SCRIPT.py --space space.toml [--method METHOD] [options of train]``

ddtrain search digits_mlp --space space.toml --trials 32 --run.epochs 20 --run.dir searches/mlp
mpirun -n 4 ddtrain search fashion_cnn --space space.toml --method halving
python mine.py search --space space.toml --method coarse-to-fine

space.toml says which options are searched, and what they may be:

  [optim]
  lr = { log_uniform = [1e-4, 1.0] }
  momentum = { uniform = [0.0, 0.99] }
  [model]
  hidden = { choices = [32, 64, 128] }

Trials are ordinary runs in RUN.DIR/trials, several at a time where there are several ranks. What is chosen is chosen on
validation data, apart from the test data; the winners are trained to their end, and evaluated alone and together on
both. The same command with the same --run.dir goes on with a search that was stopped or killed.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddtrain import blas, blas_threads
from ddtrain.comm import run_ranks
from ddtrain.commands.command import Given, make_parser, run_command
from ddtrain.errors import UsageError, quoted
from ddtrain.search.judge import LOSS, Judge
from ddtrain.search.methods import METHODS, Budget
from ddtrain.search.settings import make_settings
from ddtrain.search.space import read_space
from ddtrain.search.study import Study
from ddtrain.trainer import stop_signals
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.options import Parser
from ddtrain.trainer.main import Recipe, choices


def main(argv: Sequence[str], recipes: Mapping[str, Recipe]) -> int:
    """Search as a command line says; returns the exit code."""
    if argv and argv[0].endswith(".py"):
        return _script(argv[0], argv[1:])
    return run_command(_parser(), argv, lambda given: _search(given, recipes), others=True)


def _parser() -> Parser:
    parser = make_parser("search", __doc__ or "")
    usual = Budget()
    parser.add_argument("--space", required=True, metavar="FILE", help="TOML file of what is searched")
    parser.add_argument("--method", choices=METHODS, default="random", help="(%(default)s)")
    parser.add_argument("--trials", type=int, metavar="N", help=f"how many are drawn ({usual.trials}); not of grid")
    parser.add_argument("--points", type=int, metavar="N", help=f"of each range in a grid ({usual.points})")
    parser.add_argument(
        "--factor", type=int, metavar="N", help=f"halving: one of N goes on, N times as long ({usual.factor})"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"of coarse-to-fine ({usual.rounds})")
    parser.add_argument(
        "--epochs-per-trial", type=int, metavar="N", help="of all but winners (--run.epochs); not of halving"
    )
    parser.add_argument("--winners", type=int, default=3, metavar="N", help="trained to their end (%(default)s)")
    parser.add_argument(
        "--ranks-per-trial", type=int, default=1, metavar="N", help="ranks that train a trial together (%(default)s)"
    )
    figure = parser.add_mutually_exclusive_group()
    figure.add_argument("--minimize", metavar="FIGURE", help=f"what trials are judged by ({LOSS})")
    figure.add_argument("--maximize", metavar="FIGURE", help="the same, of which more is better")
    return parser


def _script(path: str, argv: Sequence[str]) -> int:
    """As ``python SCRIPT.py search ...``, which ends the process."""
    if not Path(path).is_file():
        error = UsageError(f"search: {quoted(path, plain=True)}: no such file")
        return run_ranks("auto", lambda comm: None, refusal=error)
    sys.argv = [path, "search", *argv]
    sys.path.insert(0, str(Path(path).resolve().parent))
    runpy.run_path(path, run_name="__main__")
    return 0


def _search(given: Given, recipes: Mapping[str, Recipe]) -> int:
    try:
        backend, study = _study(given, recipes)
    except UsageError as error:
        return run_ranks("auto", lambda comm: None, refusal=error)
    if blas_threads.TOO_LATE:  # Note [BLAS threads] in blas_threads.py
        blas.limit(1)
    with stop_signals.listening():
        return run_ranks(backend, study)


def _study(given: Given, recipes: Mapping[str, Recipe]) -> tuple[str, Study]:
    """The backend, and what is to be run on its ranks.

    Raises
    ------
    UsageError : what the user got wrong, in one line
    """
    only = next(iter(recipes)) if len(recipes) == 1 else ""
    parsed = command_line.parse(given.others, choices(recipes), only=only)
    settings = make_settings(
        parsed.config,
        given.method,
        trials=given.trials,
        points=given.points,
        factor=given.factor,
        rounds=given.rounds,
        epochs_per_trial=given.epochs_per_trial,
        judge=Judge(given.maximize or given.minimize or LOSS, maximize=given.maximize is not None),
        winners=given.winners,
        ranks_per_trial=given.ranks_per_trial,
    )
    space = read_space(given.space, parsed.config, settings.ranks_per_trial)
    study = Study(parsed.recipe, recipes[parsed.recipe].build, parsed.config, space, settings)
    return parsed.config.comm.backend, study
