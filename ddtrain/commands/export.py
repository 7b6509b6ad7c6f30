"""A run's model as a file for other programs: ``ddtrain export RUN --to FORMAT [-o FILE]``

ddtrain export runs/mine --to safetensors                      # PyTorch's names and layouts: load_state_dict takes them
ddtrain export runs/mine --to onnx -o mine.onnx --checkpoint last

ONNX needs the package onnx (pip install 'ddtrain[onnx]'). Its inputs are what the model itself is given, after the
run's preparation of samples, of any number; images are (N, H, W, C). An operation that ONNX lacks is named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddtrain.commands.command import make_parser, run_command
from ddtrain.runs.run_export import FORMATS, export_run
from ddtrain.standard_output import say
from ddtrain.trainer.main import Recipe


def main(argv: Sequence[str], recipes: Mapping[str, Recipe]) -> int:
    """Export as a command line says; returns the exit code."""
    parser = make_parser("export", __doc__ or "")
    parser.add_argument("run", type=Path, metavar="RUN", help="directory of a run")
    parser.add_argument("--to", choices=FORMATS, required=True, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="by default RUN/model.FORMAT")
    parser.add_argument("--checkpoint", default="best", help="best, last, or a path (%(default)s)")
    return run_command(parser, argv, lambda given: _export(given, recipes))


def _export(given: argparse.Namespace, recipes: Mapping[str, Recipe]) -> None:
    path = export_run(given.run, given.to, given.output, given.checkpoint, recipes)
    say(f"exported to {path}\n", sys.stdout)
