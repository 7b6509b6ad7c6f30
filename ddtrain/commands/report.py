"""Write a report on one or several runs of a recipe: ``ddtrain report RUN ... [-o FILE]``

The report is one HTML file, RUN/report.html unless told otherwise, which can be mailed and opens without a network.
It has the curves of loss and metrics, learning rate and gradient norm, samples per second, how the run ended, its
options and which of them are not the usual ones, versions and hashes; and what else the run has left: norms of layers
(--log.to layer_norms), confusion matrices, worst and best samples, time by part and rank (--debug.trace), and pictures
(*.png). Several runs are laid over one another, with a table of the options in which they differ. A run may still be
going on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddtrain.commands.command import make_parser, run_command
from ddtrain.report import write_report
from ddtrain.runs.run import Run
from ddtrain.standard_output import say
from ddtrain.trainer.main import Recipe


def main(argv: Sequence[str], recipes: Mapping[str, Recipe]) -> int:
    """Write what a command line asks for; returns the exit code."""
    parser = make_parser("report", __doc__ or "")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="directory of a run")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file (report.html in the first RUN)")
    return run_command(parser, argv, lambda given: _write(given, recipes))


def _write(given: argparse.Namespace, recipes: Mapping[str, Recipe]) -> None:
    path = write_report([Run(path) for path in given.runs], given.output, recipes)
    say(f"{path}\n", sys.stdout)
