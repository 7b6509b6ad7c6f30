"""Finding checkpoints: where a run keeps them, which exist, the newest one that verifies, and the best."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint.contents import Snapshot, decode, read_state
from ddtrain.trainer.file_names import STATE

_NAME = re.compile(r"(\.old-)?step-(\d+)")


@dataclass(frozen=True)
class Found:
    """A checkpoint that was read and verified, and a line about each newer one that did not verify."""

    path: Path
    snapshot: Snapshot
    refused: tuple[str, ...] = ()


def load(path: Path | str) -> Found:
    """Read a checkpoint, or the newest good one of a run's directory.

    Raises
    ------
    CheckpointError : naming the file that is missing, damaged or foreign, and how.
    """
    path = Path(path)
    if (path / STATE).exists() or not path.is_dir():
        return Found(path, decode(path))
    found = latest(path)
    if found is None:
        raise CheckpointError(
            f"{path}: neither a checkpoint (no {STATE}) nor a run that has any",
            remedy="Give --run.resume a step-... directory or a run's directory.",
        )
    return found


def latest(run_dir: Path | str) -> Found | None:
    """The newest checkpoint that verifies, with a line for each newer one that does not; None if there is none.

    Raises
    ------
    CheckpointError : there are checkpoints but none verifies; only the user can decide to start anew.
    """
    refused: list[str] = []
    for path in checkpoints(run_dir):
        try:
            return Found(path, decode(path), tuple(refused))
        except CheckpointError as error:
            refused.append(f"checkpoint {path.name} refused: {error.message}")
    if refused:
        raise CheckpointError(
            f"{run_dir}: no checkpoint is good; {'; '.join(refused)}",
            remedy="Remove them or give another --run.dir to start anew.",
        )
    return None


def verify(path: Path | str) -> dict[str, object]:
    """Check every byte of a checkpoint; returns the contents of its state.json.

    Raises
    ------
    CheckpointError : naming the file that is missing, damaged or foreign, and how.
    """
    decode(Path(path))
    return read_state(Path(path))


def checkpoints(run_dir: Path | str) -> list[Path]:
    """All checkpoints of a run, good or not, the newest first.

    One that was being replaced counts if its replacement is not there.
    """
    shelf = checkpoints_directory(Path(run_dir))
    try:
        named = {path for path in shelf.iterdir() if step_number(path) >= 0}
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"{shelf}: cannot be read: {error.strerror}") from error
    whole = [path for path in named if path.with_name(path.name.removeprefix(".old-")) not in named - {path}]
    return sorted(whole, key=lambda path: (step_number(path), path.name), reverse=True)


def path_of(run_dir: Path | str, step: int) -> Path:
    """The path of a run's checkpoint of a step."""
    return checkpoints_directory(Path(run_dir)) / f"step-{step:08d}"


def checkpoints_directory(run_dir: Path) -> Path:
    """The directory of checkpoints of a run; ``path`` may be the run's directory or this directory itself."""
    return run_dir if run_dir.name == "checkpoints" else run_dir / "checkpoints"


def step_number(path: Path) -> int:
    """The step in a checkpoint's name; -1 in any other name."""
    match = _NAME.fullmatch(path.name)
    return int(match[2]) if match else -1


def goodness(path: Path) -> tuple[float, int]:
    """A key that is smallest for the best checkpoint: the loss of the evaluation after its step, then the step."""
    try:
        state = read_state(path)
        loss = float(state["metrics"]["valid_loss"]) if state["evaluated"] == state["step"] else math.inf
    except (CheckpointError, KeyError):
        loss = math.inf
    return (loss, step_number(path)) if math.isfinite(loss) else (math.inf, -step_number(path))


def behind_symbolic_link(run_dir: Path | str) -> frozenset[str]:
    """Names of existing checkpoints behind a symbolic link, which this run must not remove."""
    run_dir = Path(run_dir)
    shelf = checkpoints_directory(run_dir)
    linked = run_dir.is_symlink() or shelf.is_symlink()
    return frozenset(path.name for path in checkpoints(run_dir)) if linked else frozenset()
