"""Check checkpoints, byte for byte: ``python -m ddtrain.verify PATH ...``

A path is a checkpoint (a ``step-...`` directory) or a run's directory, all of whose checkpoints are checked. Prints a
line for each; the exit code is 0 if all are good, 74 if one is not, 2 if there is none.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ddtrain.errors import COMPLETED, CheckpointError, UsageError
from ddtrain.streams import forgiving, say
from ddtrain.trainer.checkpoint.manager import checkpoints, step_of, verify
from ddtrain.trainer.checkpoint.state_json import STATE


def main(argv: Sequence[str]) -> int:
    """Verify what the arguments name; returns the exit code."""
    if not argv or argv[0] in ("-h", "--help"):
        say(__doc__, sys.stdout if argv else sys.stderr)
        return COMPLETED if argv else UsageError.exit_code
    verdicts = [code for argument in argv for code in map(_verdict, _named(Path(argument))) if code is not None]
    if not verdicts:
        say(f"ddtrain: error: no checkpoint under {', '.join(argv)}\n", sys.stderr)
        return UsageError.exit_code
    return max(verdicts)


def _named(path: Path) -> list[Path]:
    """The checkpoints that a path stands for, oldest first: itself, or those of a run."""
    if (path / STATE).exists() or step_of(path) >= 0:
        return [path]
    try:
        return checkpoints(path)[::-1]
    except CheckpointError:  # no directory
        return [path]


def _verdict(path: Path) -> int | None:
    """A checkpoint's exit code, None if a running job has removed it meanwhile."""
    try:
        state = verify(path)
    except CheckpointError as error:
        if not path.exists() and not path.is_symlink():
            return None
        say(f"{path}: refused: {error.one_line}\n", sys.stdout)
        return error.exit_code
    say(f"{path}: good, after step {state['step']}, parameters {str(state['params_sha256'])[:12]}\n", sys.stdout)
    return COMPLETED


if __name__ == "__main__":
    with forgiving():
        code = main(sys.argv[1:])
    sys.exit(code)
