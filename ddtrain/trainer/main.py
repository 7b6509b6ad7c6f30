"""From a command line to an exit code: parse, start the ranks, compare their options, train, report the end."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddtrain import blas, blas_threads
from ddtrain.callbacks import Callback
from ddtrain.comm import launcher, run_ranks
from ddtrain.standard_output import say, tolerant_output
from ddtrain.trainer import stop_signals
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task

_TOO_LATE = (  # Note [BLAS threads] in blas_threads.py
    "NumPy was imported before ddtrain, so its BLAS starts a thread for each core in every rank, which is slow: "
    "import ddtrain first, or set OPENBLAS_NUM_THREADS=1."
)


@dataclass(frozen=True)
class Recipe:
    """A named job.

    Attributes
    ----------
    default : its configuration before any option, or what makes it, which is called when it is needed
    build : makes the task from a configuration
    about : a line for ``--help``
    """

    default: Config | Callable[[], Config]
    build: Callable[[Any], Task]
    about: str

    @property
    def config(self) -> Config:
        """Its configuration before any option."""
        return self.default() if callable(self.default) else self.default


def choices(recipes: Mapping[str, Recipe]) -> command_line.Recipes:
    """Recipes as the command line knows them."""
    return {name: (recipe.default, recipe.about) for name, recipe in recipes.items()}


def run(
    argv: Sequence[str],
    recipes: Mapping[str, Recipe],
    only: str = "",
    prog: str = "",
    callbacks: Sequence[Callback] = (),
) -> int:
    """Parse, train, and return the exit code. See ``--help`` for the options and docs/reference/runs.md for the codes.

    Parameters
    ----------
    only, prog : for a program with one recipe, its name and the words that start it
    """
    with tolerant_output():
        parsed, error = None, None
        try:
            parsed = command_line.parse(argv, choices(recipes), only=only, prog=prog)
        except Exception as caught:
            error = caught
        first = launcher().rank == 0
        if parsed is not None and first:
            for note in parsed.notes:
                say(f"ddtrain: warning: {note}\n", sys.stderr)
        if parsed is not None and parsed.output:
            if first:
                say(parsed.output.rstrip("\n") + "\n", sys.stdout)
            return 0
        if blas_threads.TOO_LATE and not blas.limit(1) and first:
            say(f"ddtrain: warning: {_TOO_LATE}\n", sys.stderr)
        if parsed is None:
            return run_ranks("auto", lambda comm: None, refusal=error)
        from ddtrain.trainer.job import Job  # the trainer as a whole, which --help does without

        job = Job(parsed.recipe, recipes[parsed.recipe].build, parsed.config, callbacks)
        with stop_signals.listening(job.at_once):
            return run_ranks(parsed.config.comm.backend, job, job.failed)


def __getattr__(name: str) -> Any:
    """``main`` by its former place, for one release: it is ``ddtrain.main``."""
    if name != "main":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn("ddtrain.trainer.main.main is ddtrain.main now", DeprecationWarning, stacklevel=2)
    return sys.modules["ddtrain"].main
