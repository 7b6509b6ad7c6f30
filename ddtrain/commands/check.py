"""Try a job before the queue is waited for: ``ddtrain check [RECIPE] [options]``, options as those of train

ddtrain check fashion_cnn --data.batch-size 256
mpirun -n 4 ddtrain check fashion_cnn
python mine.py check

It shows layers and memory, makes an evaluation and two training steps on real shapes, compares one rank with several
layer by layer (threads of this process, or the ranks of mpirun), trains a few steps straight and again with a
checkpoint and a resume, and says how long a step and the whole run take. A line for each; nothing is left behind. The
exit code is 0 if all is well, else 2.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from ddtrain import blas, blas_threads
from ddtrain.check.preflight import Preflight
from ddtrain.comm import Communicator, launcher, run_ranks
from ddtrain.commands.program import called
from ddtrain.errors import COMPLETED, DdtrainError, UsageError
from ddtrain.recipes import RECIPES
from ddtrain.standard_output import say
from ddtrain.trainer.config import command_line
from ddtrain.trainer.main import Recipe, choices


def main(argv: Sequence[str], recipes: Mapping[str, Recipe] = RECIPES) -> int:
    """Check as a command line says; returns the exit code."""
    first = launcher().rank == 0
    if {"-h", "--help"} & set(argv):
        if first:
            about = (__doc__ or "").strip().replace("ddtrain check", called("check"))
            say(f"usage: {called('check')} [RECIPE] [options]\n\n{about}\n", sys.stdout)
        return COMPLETED
    only = next(iter(recipes)) if len(recipes) == 1 else ""
    try:
        parsed = command_line.parse(argv, choices(recipes), only=only)
    except DdtrainError as error:
        return run_ranks("auto", lambda comm: None, refusal=error)
    if parsed.output:
        if first:
            say(parsed.output.rstrip("\n") + "\n", sys.stdout)
        return COMPLETED
    if blas_threads.TOO_LATE:  # Note [BLAS threads] in blas_threads.py
        blas.limit(1)

    def checked(comm: Communicator) -> int:
        show = _show if not comm.rank else lambda line: None
        good = Preflight(comm, parsed.recipe, recipes[parsed.recipe].build, parsed.config, show).run()
        return COMPLETED if good else UsageError.exit_code

    return min(UsageError.exit_code, run_ranks(parsed.config.comm.backend, checked))


def _show(line: str) -> None:
    say(f"{line}\n", sys.stdout)
