"""Look into a run, over ranks: ``ddtrain diagnose layers|curvature|landscape|gradients RUN [options]``

ddtrain diagnose layers runs/mine                     # outputs, gradients, updates; what vanishes or is dead
mpirun -n 4 ddtrain diagnose curvature runs/mine      # eigenvalues of the Hessian, stable rates, sharpness, noise
ddtrain diagnose landscape runs/mine --plane pca -o path.html
ddtrain diagnose landscape runs/one --to runs/other/checkpoints/step-000100
ddtrain diagnose gradients runs/mine                  # the backward pass against finite differences
python mine.py diagnose layers runs/mine              # a run of a script of your own

The loss is that of training, on the batches that follow the checkpoint: batch-norm over each batch, dropout with the
numbers of each step; --evaluation looks at the loss as evaluations see it. Before a run, --run.lr-range-test of train
looks for a learning rate, and --run.overfit-batches 1 shows whether a model can learn at all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ddtrain.comm import Communicator, run_on_rank_0, run_ranks
from ddtrain.commands.command import make_parser, run_command
from ddtrain.errors import UsageError
from ddtrain.report.diagnoses import write_curvature, write_landscape
from ddtrain.report.writing import require_place
from ddtrain.runs import diagnosing
from ddtrain.runs.diagnosing import OpenedRun
from ddtrain.standard_output import say
from ddtrain.trainer.main import Recipe
from ddtrain.trainer.records.opening import run_of_checkpoint

Given = argparse.Namespace


def main(argv: Sequence[str], recipes: Mapping[str, Recipe]) -> int:
    """Look as a command line says; returns the exit code."""
    parser = make_parser("diagnose", __doc__ or "")
    whats = parser.add_subparsers(dest="what", required=True, metavar="layers|curvature|landscape|gradients")
    for name, about in _ABOUT.items():
        own = whats.add_parser(name, help=about, description=about, add_help=True)
        _OPTIONS[name](own)
        own.add_argument("run", type=Path, metavar="RUN", help="directory of a run, or one of its checkpoints")
        own.add_argument("--checkpoint", default="", help="best, last, or a path (best)")
        own.add_argument("--evaluation", action="store_true", help="look at the loss as evaluations see it")
        own.add_argument("--dtype", choices=("float32", "float64"), default="", help="in place of the run's own")
        own.add_argument("--backend", default="auto", help="as --comm.backend of ddtrain.train (%(default)s)")
    return run_command(parser, argv, lambda given: _look(given, recipes))


def _look(given: Given, recipes: Mapping[str, Recipe]) -> int:
    try:
        _settle(given)
    except UsageError as error:
        return run_ranks(given.backend, lambda comm: None, refusal=error)
    write, default = _WRITES.get(given.what, (None, ""))
    file = (given.output if write else None) or (given.run / default if default else None)

    def on_each_rank(comm: Communicator) -> None:
        opened = OpenedRun(comm, given.run, recipes, given.dtype, given.evaluation)
        if file is not None:
            run_on_rank_0(comm, lambda: require_place(file))  # before the work that only it would be lost by
        found = _LOOKS[given.what](opened, given)
        run_on_rank_0(comm, lambda: say(f"{found}\n", sys.stdout))
        if write is not None and file is not None:
            run_on_rank_0(comm, lambda: say(f"{write(found, file)}\n", sys.stdout))

    return run_ranks(given.backend, on_each_rank)


def _settle(given: Given) -> None:
    """Find out what is meant.

    Raises
    ------
    UsageError : two options contradict each other
    """
    run = run_of_checkpoint(given.run)
    if run is not None:
        if given.checkpoint:
            raise UsageError(f"diagnose: {given.run} is a checkpoint, and --checkpoint {given.checkpoint} another one")
        given.run, given.checkpoint = run, str(given.run.absolute())
    given.checkpoint = given.checkpoint or "best"
    if given.what == "landscape":
        if given.to and given.plane:
            raise UsageError(f"diagnose: --to {given.to} draws a line, and --plane {given.plane} a plane")
        given.plane = given.plane or "random"


_ABOUT = {
    "layers": "What every layer gives and gets in the step after a checkpoint, and what is wrong with it",
    "curvature": "The Hessian's eigenvalues and trace, the rates that they allow, sharpness, the noise of gradients",
    "landscape": "The loss on a plane around a checkpoint with the run's path on it, or on a line to another",
    "gradients": "The backward pass against finite differences",
}


def _of_layers(own: argparse.ArgumentParser) -> None:
    """No options beside those of all."""


def _of_curvature(own: argparse.ArgumentParser) -> None:
    _batches(own, 8)
    own.add_argument("--steps", type=int, default=100, help="products of Lanczos' method at most (%(default)s)")
    own.add_argument("--tolerance", type=float, default=1e-6, help="relative, of eigenvalues (%(default)s)")
    own.add_argument("--probes", type=int, default=4, help="random vectors for density and trace (%(default)s)")
    own.add_argument("--epsilon", type=float, nargs="*", default=[1e-3], help="of the boxes of sharpness (1e-3)")
    own.add_argument("--dense", action="store_true", help="all eigenvalues, by the whole Hessian; for small models")
    own.add_argument("-o", "--output", type=Path, metavar="FILE", help="HTML file with the density of eigenvalues")


def _of_landscape(own: argparse.ArgumentParser) -> None:
    _batches(own, 8)
    own.add_argument("--to", default="", metavar="CHECKPOINT", help="draw a line to it: best, last, or a path")
    own.add_argument("--plane", default="", help="of random directions, or pca of the run's path (random)")
    own.add_argument("--points", type=int, default=25, help="along each side (%(default)s)")
    own.add_argument("--span", type=float, default=1.0, help="of a random plane, to each side (%(default)s)")
    own.add_argument("-o", "--output", type=Path, metavar="FILE", help="HTML file (landscape.html in RUN)")


def _of_gradients(own: argparse.ArgumentParser) -> None:
    own.add_argument("--batches", type=int, default=1, help="that are checked (%(default)s)")


def _batches(own: argparse.ArgumentParser, default: int) -> None:
    own.add_argument("--batches", type=int, default=default, help="whose mean loss it is; 0: an epoch (%(default)s)")


_OPTIONS = {"layers": _of_layers, "curvature": _of_curvature, "landscape": _of_landscape, "gradients": _of_gradients}
_LOOKS: Mapping[str, Callable[[OpenedRun, Given], Any]] = {
    "layers": lambda opened, given: diagnosing.layers(opened, given.checkpoint),
    "curvature": lambda opened, given: diagnosing.curvature(
        opened,
        given.checkpoint,
        batches=given.batches,
        steps=given.steps,
        tolerance=given.tolerance,
        probes=given.probes,
        epsilons=tuple(given.epsilon),
        dense=given.dense,
        tell=lambda line: say(f"{line}\n", sys.stderr),
    ),
    "landscape": lambda opened, given: diagnosing.landscape(
        opened,
        given.checkpoint,
        to=given.to,
        plane=given.plane,
        points=given.points,
        span=given.span,
        batches=given.batches,
    ),
    "gradients": lambda opened, given: diagnosing.gradients(opened, given.checkpoint, given.batches),
}
_WRITES: Mapping[str, tuple[Callable[[Any, Path], Path], str]] = {
    "curvature": (write_curvature, ""),
    "landscape": (write_landscape, "landscape.html"),
}
