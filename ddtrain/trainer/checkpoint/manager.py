"""Checkpoints on disk: written aside by rank 0, the newest and the best kept, only whole ones read.

    RUN/checkpoints/step-00000120/   see :mod:`ddtrain.trainer.checkpoint.contents` for the files in it
    RUN/checkpoints/.tmp-step-...    being written
    RUN/checkpoints/.old-step-...    being replaced by another of the same step; counts until that one is there
    RUN/checkpoints/.gone-step-...   being removed

Note [Out of the name space]
A kill may come between any two system calls, and whoever looks then shall find whole checkpoints only. So what is made
gets its name when it is whole (Note [Written aside]), and what is removed loses its name before its files go. What a
killed writer left under these other names is tidied up by the next start or save. Nothing else in these directories is
ever touched, and no checkpoint that lies behind a symbolic link: a link was set by somebody who keeps something there.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain.comm import run_on_rank_0
from ddtrain.comm.protocol import Array, Communicator
from ddtrain.errors import CheckpointError
from ddtrain.trainer.atomic_files import discard, io_error, sync_directory, write_new
from ddtrain.trainer.checkpoint.contents import FILES, Snapshot, decode, encode, read_state, sealed
from ddtrain.trainer.checkpoint.state_json import STATE

NEW_STATE = f".tmp-{STATE}"  # in a checkpoint whose state.json is being replaced
_NAME = re.compile(r"(\.old-)?step-(\d+)")


@dataclass(frozen=True)
class Found:
    """A checkpoint that was read and verified, and a line about each newer one that was refused."""

    path: Path
    snapshot: Snapshot
    refused: tuple[str, ...] = ()


def save(
    comm: Communicator, run_dir: Path | str, take: Callable[[], Snapshot], keep: int = 3, spared: Collection[str] = ()
) -> Path:
    """Save a checkpoint from rank 0, and let every rank know how it went. Collective.

    Parameters
    ----------
    take : makes the snapshot; called on rank 0 alone
    keep : newest checkpoints to keep, besides the best
    spared : names of those that are not to be removed, however old, see :func:`behind_a_link`

    Returns
    -------
    The checkpoint's directory, once its bytes and its name are on the disk and were read back.

    Raises
    ------
    CheckpointError : on all ranks, with path, reason and bytes wanted. Older checkpoints are untouched.
    NonFiniteError : on all ranks, from ``take``
    """
    return Path(run_on_rank_0(comm, lambda: str(write(run_dir, take(), keep, spared))))


def complete(
    comm: Communicator,
    path: Path | str,
    changes: Callable[[], Mapping[str, Any]],
    keep: int = 3,
    spared: Collection[str] = (),
) -> None:
    """Put into a saved checkpoint what became known since, and keep the best in view of it. Collective.

    Parameters
    ----------
    path : the checkpoint's directory; where there is none of this run's own, nothing is done
    changes : fields of its state.json; called on rank 0 alone
    keep, spared : as for :func:`save`

    Raises
    ------
    CheckpointError : on all ranks; the checkpoint is then as it was saved.
    """
    run_on_rank_0(comm, lambda: amend(Path(path), changes(), keep, spared))


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


def write(run_dir: Path | str, snapshot: Snapshot, keep: int = 3, spared: Collection[str] = ()) -> Path:
    """Write one checkpoint and remove those no longer wanted; see :func:`save`."""
    final = path_of(run_dir, snapshot.step)
    shelf = final.parent
    aside = shelf / f".tmp-{final.name}"
    files = encode(snapshot)
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        sync_directory(shelf.parent)
        tidy(shelf)
        aside.mkdir()
        for name, data in files.items():
            write_new(aside / name, data)
        sync_directory(aside)
        _publish(aside, final)
    except OSError as error:
        _empty(aside)
        wanted = sum(map(len, files.values()))
        raise io_error(error, error.filename or final, wanted, CheckpointError) from error
    decode(final)  # nothing older is removed before the new one has been read back
    _prune(shelf, final, keep, spared)
    return final


def amend(path: Path, changes: Mapping[str, Any], keep: int = 3, spared: Collection[str] = ()) -> str:
    """Replace fields of a checkpoint's state.json, in one piece; see :func:`complete`."""
    if path.is_symlink() or not path.is_dir() or path.name in spared:
        return str(path)
    data, aside = sealed({**read_state(path), **changes}), path / NEW_STATE
    try:
        discard(aside)
        write_new(aside, data)
        aside.rename(path / STATE)
        sync_directory(path)
    except OSError as error:
        discard(aside)
        raise io_error(error, error.filename or path / STATE, len(data), CheckpointError) from error
    _prune(path.parent, path, keep, spared)
    return str(path)


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


def behind_a_link(run_dir: Path | str) -> frozenset[str]:
    """Names of the checkpoints that are there already and that this run must not remove: behind a symbolic link."""
    run_dir = Path(run_dir)
    shelf = shelf_of(run_dir)
    linked = run_dir.is_symlink() or shelf.is_symlink()
    return frozenset(path.name for path in checkpoints(run_dir)) if linked else frozenset()


def checkpoints(run_dir: Path | str) -> list[Path]:
    """All checkpoints of a run, good or not, the newest first.

    One that was being replaced counts where what replaces it is not there.
    """
    shelf = shelf_of(Path(run_dir))
    try:
        named = {path for path in shelf.iterdir() if step_of(path) >= 0}
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"{shelf}: cannot be read: {error.strerror}") from error
    whole = [path for path in named if path.with_name(path.name.removeprefix(".old-")) not in named - {path}]
    return sorted(whole, key=lambda path: (step_of(path), path.name), reverse=True)


def path_of(run_dir: Path | str, step: int) -> Path:
    """Where a run's checkpoint of a step is."""
    return shelf_of(Path(run_dir)) / f"step-{step:08d}"


def shelf_of(run_dir: Path) -> Path:
    """The directory of a run's checkpoints, which may be named itself."""
    return run_dir if run_dir.name == "checkpoints" else run_dir / "checkpoints"


def step_of(path: Path) -> int:
    """The step in a checkpoint's name; -1 in any other name."""
    match = _NAME.fullmatch(path.name)
    return int(match[2]) if match else -1


def _publish(aside: Path, final: Path) -> None:
    """Give a complete directory its name. One of that name, from before a resume, stands until this one is there."""
    if os.path.lexists(final):
        final.rename(final.with_name(f".old-{final.name}"))
    aside.rename(final)
    sync_directory(final.parent)


def tidy(run_dir: Path | str) -> None:
    """Remove what a killed writer left half made or half removed, and take back what it had not replaced yet."""
    shelf = shelf_of(Path(run_dir))
    for path in [*shelf.glob(".tmp-step-*"), *shelf.glob(".gone-step-*")]:
        _empty(path)
    for old in shelf.glob(".old-step-*"):
        final = old.with_name(old.name.removeprefix(".old-"))
        if not os.path.lexists(final):
            old.rename(final)
        else:
            _remove([old])


def _prune(shelf: Path, newest: Path, keep: int, spared: Collection[str]) -> None:
    """Remove checkpoints that are neither recent nor the best, and what was replaced.

    Steps beyond the newest stay: they are of another future, which is not for a save to remove.
    """
    past = [path for path in checkpoints(shelf) if step_of(path) <= step_of(newest) and not path.is_symlink()]
    wanted = {*past[: max(keep, 1)], min(past, key=goodness)}
    _remove(path for path in [*past, *shelf.glob(".old-step-*")] if path not in wanted and path.name not in spared)


def goodness(path: Path) -> tuple[float, int]:
    """What the best has least of: the loss of the evaluation after its step, the earlier of equal ones."""
    try:
        state = read_state(path)
        loss = float(state["metrics"]["valid_loss"]) if state["evaluated"] == state["step"] else math.inf
    except (CheckpointError, KeyError):
        loss = math.inf
    return (loss, step_of(path)) if math.isfinite(loss) else (math.inf, -step_of(path))


def _remove(paths: Iterable[Path]) -> None:
    """Remove checkpoints, each if it holds nothing but a checkpoint's files (Note [Out of the name space])."""
    hidden = []
    for path in paths:
        gone = path.with_name(f".gone-{path.name.removeprefix('.old-')}")
        try:
            if _is_ours(path):
                path.rename(gone)
                sync_directory(gone.parent)
                hidden.append(gone)
        except OSError:  # what cannot go stays
            continue
    for gone in hidden:
        _empty(gone)


def _empty(path: Path) -> None:
    """Remove a directory that is no checkpoint any more, or not yet, if that is possible."""
    try:
        if _is_ours(path):
            for entry in path.iterdir():
                entry.unlink()
            path.rmdir()
    except OSError:
        return


def _is_ours(path: Path) -> bool:
    """Whether a directory, and no link to one, holds nothing but a checkpoint's files."""
    return not path.is_symlink() and {entry.name for entry in path.iterdir()} <= {*FILES, NEW_STATE}
