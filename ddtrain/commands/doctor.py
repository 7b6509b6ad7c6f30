"""Look at the machine: versions, cores, BLAS threads, memory, MPI and mpirun, and what optional parts are there

ddtrain doctor

A line for each; what would be slow or fail says what to do about it. The exit code is 0 if all is well, else 2.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ddtrain.check.machine import examine
from ddtrain.comm import launcher
from ddtrain.commands.command import Given, make_parser, run_command
from ddtrain.errors import COMPLETED, UsageError
from ddtrain.standard_output import say


def main(argv: Sequence[str]) -> int:
    """Look, as a command line says; returns the exit code."""
    return run_command(make_parser("doctor", __doc__ or ""), argv, _look)


def _look(given: Given) -> int:
    if launcher().rank:  # the first of a machine's ranks speaks for all
        return COMPLETED
    good = True
    for finding in examine():
        say(f"{finding}\n", sys.stdout)
        good = good and finding.good
    return COMPLETED if good else UsageError.exit_code
