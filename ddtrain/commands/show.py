"""Show how a run is, or follow it while it goes on: ``ddtrain show RUN [--follow]``

State, steps and epochs, last and best figures, checkpoints, options that are not the usual ones, time. With --follow a
bar, refreshed about once a second until the run ends; without a terminal, a line whenever it has moved. Then the exit
code is the run's, 0 if it was completed, or 1 if its job is gone without a word, as after kill -9. Ctrl-C ends the
following and leaves the run alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddtrain.commands.command import make_parser, run_command
from ddtrain.runs.following import follow
from ddtrain.runs.overview import overview
from ddtrain.runs.run import Run
from ddtrain.standard_output import say
from ddtrain.trainer.main import Recipe

_INTERRUPTED = 130  # as a shell says of what Ctrl-C has ended


def main(argv: Sequence[str], recipes: Mapping[str, Recipe]) -> int:
    """Show what a command line asks for; returns the exit code."""
    parser = make_parser("show", __doc__ or "")
    parser.add_argument("run", type=Path, metavar="RUN", help="directory of a run")
    parser.add_argument("--follow", action="store_true", help="until the run ends")
    return run_command(parser, argv, lambda given: _show(given, recipes))


def _show(given: argparse.Namespace, recipes: Mapping[str, Recipe]) -> int:
    run = Run(given.run)
    code = 0
    if given.follow:
        try:
            code = follow(run, sys.stdout)
        except KeyboardInterrupt:
            say("\n", sys.stdout)
            return _INTERRUPTED
    rows = {"run": f"{run.recipe} in {run.path}", **overview(run, recipes)}
    wide = max(map(len, rows))
    say("".join(f"{about:{wide}}  {text}\n" for about, text in rows.items()), sys.stdout)
    return code
