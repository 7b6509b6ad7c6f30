"""Predict with what a run has trained: ``ddtrain predict RUN DATA -o FILE [options]``

ddtrain predict runs/mine new.csv -o predictions.csv
mpirun -n 4 ddtrain predict runs/mine pictures.npz -o scores.npy --checkpoint last

DATA holds samples as they were before the run's own preparation, which is applied to them: .csv (of one with names, the
columns that the run was trained on, if it stores their names; else all), .npy, or .npz with one array or one called x.
FILE gets the model's outputs, a row a sample in the same order: .csv, .npy or .npz. Ranks change no bit of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddtrain.comm import Communicator, run_on_rank_0, run_ranks
from ddtrain.commands.command import make_parser, run_command
from ddtrain.runs.predicting import BATCH
from ddtrain.runs.run_predictions import predict_file
from ddtrain.runs.sample_files import kind_of_file, write_predictions
from ddtrain.standard_output import say
from ddtrain.trainer.main import Recipe


def main(argv: Sequence[str], recipes: Mapping[str, Recipe]) -> int:
    """Predict as a command line says; returns the exit code."""
    parser = make_parser("predict", __doc__ or "")
    parser.add_argument("run", type=Path, metavar="RUN", help="directory of a run")
    parser.add_argument("data", type=Path, metavar="DATA", help="file of samples: .csv, .npy or .npz")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where predictions go")
    parser.add_argument("--checkpoint", default="best", help="best, last, or a path (%(default)s)")
    parser.add_argument("--batch-size", type=int, default=BATCH, help="samples at a time (%(default)s)")
    parser.add_argument("--backend", default="auto", help="as --comm.backend of ddtrain train (%(default)s)")
    return run_command(parser, argv, lambda given: _predict(given, recipes))


def _predict(given: argparse.Namespace, recipes: Mapping[str, Recipe]) -> int:
    kind_of_file(given.output)  # before the model is loaded

    def on_each_rank(comm: Communicator) -> None:
        outputs, task = predict_file(comm, given.run, given.data, given.checkpoint, given.batch_size, recipes)
        run_on_rank_0(comm, lambda: write_predictions(given.output, outputs, task.class_names))
        run_on_rank_0(comm, lambda: say(f"predictions in {given.output}\n", sys.stdout))

    return run_ranks(given.backend, on_each_rank)
