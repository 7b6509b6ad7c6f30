"""Checkpoints on disk: written aside by rank 0, the newest and the best kept, only whole ones read.

    RUN/checkpoints/step-00000120/   see :mod:`ddtrain.trainer.snapshot` for the files in it
    RUN/checkpoints/.tmp-step-...    being written; removed by the next save if the writer was killed
    RUN/checkpoints/.old-step-...    being replaced by another of the same step; counts as a checkpoint

Nothing else in these directories is ever touched (Note [Written aside]).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ddtrain.comm.protocol import Array, Communicator
from ddtrain.errors import CheckpointError
from ddtrain.trainer.files import io_error, sync_directory, write_new
from ddtrain.trainer.snapshot import FILES, STATE, Snapshot, decode, encode, read_state

_NAME = re.compile(r"(?:\.old-)?step-(\d+)")


@dataclass(frozen=True)
class Found:
    """A checkpoint that was read and verified, and a line about each newer one that was refused."""

    path: Path
    snapshot: Snapshot
    refused: tuple[str, ...] = ()


def save(comm: Communicator, run_dir: Path | str, take: Callable[[], Snapshot], keep: int = 3) -> Path:
    """Save a checkpoint from rank 0, and let every rank know how it went. Collective.

    Parameters
    ----------
    take : makes the snapshot; called on rank 0 alone
    keep : newest checkpoints to keep, besides the best

    Returns
    -------
    The checkpoint's directory, once its bytes and its name are on the disk and were read back.

    Raises
    ------
    CheckpointError : on all ranks, with path, reason and bytes wanted. Older checkpoints are untouched.
    """
    told = {"path": "", "message": "", "remedy": ""}
    if comm.rank == 0:
        try:
            told["path"] = str(write(run_dir, take(), keep))
        except CheckpointError as error:
            told |= {"message": error.message, "remedy": error.remedy}
    told = comm.exchange_objects(told)[0]
    if told["message"]:
        raise CheckpointError(told["message"], remedy=told["remedy"])
    return Path(told["path"])


def gather(comm: Communicator, mine: Mapping[str, Array]) -> dict[str, Array]:
    """Everybody's arrays on rank 0, as ``RANK/NAME``; nothing on the others. Collective."""
    gathered = {}
    everybody = comm.exchange_objects([[name, list(x.shape), x.dtype.str] for name, x in mine.items()])
    for rank, arrays in enumerate(everybody):
        for name, shape, dtype in arrays:
            x = np.ascontiguousarray(mine[name]) if rank == comm.rank else np.empty(shape, dtype)
            comm.broadcast(x, rank)
            if comm.rank == 0:
                gathered[f"{rank}/{name}"] = x
    return gathered


def write(run_dir: Path | str, snapshot: Snapshot, keep: int = 3) -> Path:
    """Write one checkpoint and remove those no longer wanted; see :func:`save`."""
    shelf = _shelf(Path(run_dir))
    final = shelf / f"step-{snapshot.step:08d}"
    aside = shelf / f".tmp-{final.name}"
    files = encode(snapshot)
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        sync_directory(shelf.parent)
        _remove(aside)
        aside.mkdir()
        for name, data in files.items():
            write_new(aside / name, data)
        sync_directory(aside)
        _publish(aside, final)
    except OSError as error:
        _remove(aside)
        wanted = sum(map(len, files.values()))
        raise io_error(error, error.filename or final, wanted, CheckpointError) from error
    decode(final)  # nothing older is removed before the new one has been read back
    _prune(shelf, final, keep)
    return final


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
    CheckpointError : if there are checkpoints but none is good: to start anew is not for us to decide.
    """
    refused: list[str] = []
    for path in _checkpoints(_shelf(Path(run_dir))):
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


def _shelf(run_dir: Path) -> Path:
    return run_dir if run_dir.name == "checkpoints" else run_dir / "checkpoints"


def _step(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _checkpoints(shelf: Path) -> list[Path]:
    """Newest first; a replaced one after the one that replaces it."""
    try:
        named = [path for path in shelf.iterdir() if _step(path) >= 0]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"{shelf}: cannot be read: {error.strerror}") from error
    return sorted(named, key=lambda path: (_step(path), not path.name.startswith(".")), reverse=True)


def _publish(aside: Path, final: Path) -> None:
    """Give a complete directory its name. One of that name, from before a resume, stands until this one is there."""
    old = final.with_name(f".old-{final.name}")
    if final.exists():
        _remove(old)
        final.rename(old)
    aside.rename(final)
    sync_directory(final.parent)


def _prune(shelf: Path, newest: Path, keep: int) -> None:
    """Remove what a killed writer left, what was replaced, and checkpoints that are neither recent nor the best.

    Steps beyond the newest go too: they are of a past that this run, resumed further back, has not had.
    """
    for leftover in [*shelf.glob(".tmp-step-*"), *shelf.glob(".old-step-*")]:
        _remove(leftover)
    checkpoints = _checkpoints(shelf)
    past = checkpoints[checkpoints.index(newest) :]  # newest first
    wanted = {*past[: max(keep, 1)], min(past, key=_valid_loss)}
    for path in checkpoints:
        if path not in wanted:
            _remove(path)


def _valid_loss(path: Path) -> float:
    try:
        loss = float(read_state(path)["metrics"]["valid_loss"])
    except (CheckpointError, KeyError, TypeError, ValueError):
        return math.inf
    return math.inf if math.isnan(loss) else loss


def _remove(path: Path) -> None:
    """Remove a checkpoint's directory, if it holds nothing but a checkpoint's files; what cannot go stays."""
    try:
        names = {entry.name for entry in path.iterdir()}
        if names <= set(FILES):
            for name in sorted(names, key=lambda name: name != STATE):  # first that without which it is no checkpoint
                (path / name).unlink(missing_ok=True)
            path.rmdir()
    except OSError:
        return
