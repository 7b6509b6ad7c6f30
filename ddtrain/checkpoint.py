"""Look at checkpoints: ``ddtrain checkpoint verify|list|show PATH ...``

A path is a checkpoint (a ``step-...`` directory) or a run's directory, which stands for all of its checkpoints.

verify  checks every byte, and prints a line for each checkpoint: good, or what is wrong with it
list    prints a line for each: step, epoch, size, the figures of its evaluation, and which is newest and best
show    prints what is in the newest, or in the one named: its state, and every tensor with type and shape

The exit code is 0 if all are good, 74 if one is damaged, 2 if there is none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ddtrain.commands.command import make_parser, run_command
from ddtrain.errors import COMPLETED, CheckpointError, UsageError
from ddtrain.standard_output import say, tolerant_output
from ddtrain.trainer.checkpoint.contents import decode, read_state
from ddtrain.trainer.checkpoint.finder import checkpoints, goodness, step_number, verify
from ddtrain.trainer.file_names import OPTIONAL, STATE


def main(argv: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    parser = make_parser("checkpoint", __doc__ or "")
    parser.add_argument("command", choices=("verify", "list", "show"))
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    return run_command(parser, argv, _look)


def _look(given: argparse.Namespace) -> int:
    runs = [_named(path) for path in given.paths]
    if given.command == "show":
        runs = [paths[-1:] for paths in runs]
    each = {"verify": _verify, "list": _list, "show": _show}[given.command]
    verdicts = [code for paths in runs for path in paths if (code := _tried(each, path, paths)) is not None]
    if not verdicts:
        raise UsageError(f"no checkpoint under {', '.join(map(str, given.paths))}")
    return max(verdicts)


def _named(path: Path) -> list[Path]:
    """The checkpoints that a path stands for, oldest first: itself, or those of a run."""
    if (path / STATE).exists() or step_number(path) >= 0:
        return [path]
    try:
        return checkpoints(path)[::-1]
    except CheckpointError:  # there is no such directory
        return [path]


def _tried(look: Callable[[Path, Sequence[Path]], None], path: Path, run: Sequence[Path]) -> int | None:
    """A checkpoint's exit code, None if a running job has removed it meanwhile."""
    try:
        look(path, run)
    except CheckpointError as error:
        if not path.exists() and not path.is_symlink():
            return None
        say(f"{path}: refused: {error.one_line}\n", sys.stdout)
        return error.exit_code
    return COMPLETED


def _verify(path: Path, run: Sequence[Path]) -> None:
    state = verify(path)
    say(f"{path}: good, after step {state['step']}, parameters {str(state['params_sha256'])[:12]}\n", sys.stdout)


def _list(path: Path, run: Sequence[Path]) -> None:
    state = read_state(path)
    n_bytes = sum(file.stat().st_size for file in path.iterdir())
    fresh = state["evaluated"] == state["step"]
    figures = [f"{name} {value:.6g}" for name, value in state["metrics"].items()] if fresh else []
    remarks = ["newest"] * (path == run[-1]) + ["best"] * (path == min(run, key=goodness) and fresh)
    epoch = state["epoch"] + (state["position"] > 0)  # counted from 1, as in the log; state.json names the next sample
    parts = [f"step {state['step']}", f"epoch {epoch}", f"{n_bytes / 1e6:.1f} MB", *figures, *remarks]
    say(f"{path}: {', '.join(parts)}\n", sys.stdout)


def _show(path: Path, run: Sequence[Path]) -> None:
    snapshot, state = decode(path), read_state(path)
    lines = [str(path), json.dumps(state, indent=2)]
    for part in ("model", "optim", *OPTIONAL):
        tensors = getattr(snapshot, part)
        lines += [f"{part}: {len(tensors)} tensors", *(f"  {name} {x.dtype} {x.shape}" for name, x in tensors.items())]
    say("\n".join(lines) + "\n", sys.stdout)


if __name__ == "__main__":
    with tolerant_output():
        code = main(sys.argv[1:])
    sys.exit(code)
