"""Which checkpoints are kept (the newest and the best), and how others are removed (Note [Out of the name space])."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from ddtrain.trainer.atomic_files import sync_directory
from ddtrain.trainer.checkpoint.contents import FILES
from ddtrain.trainer.checkpoint.finder import checkpoints, checkpoints_directory, goodness, step_number
from ddtrain.trainer.file_names import STATE

NEW_STATE = f".tmp-{STATE}"  # the new state.json of a checkpoint is written under this name and then renamed


def prune(shelf: Path, newest: Path, keep: int, spared: Collection[str]) -> None:
    """Remove checkpoints that are neither recent nor the best, and those that were replaced.

    Later steps than the newest are kept: they are from before the run went back, and a save must not remove them.
    """
    past = [path for path in checkpoints(shelf) if step_number(path) <= step_number(newest) and not path.is_symlink()]
    wanted = {*past[: max(keep, 1)], min(past, key=goodness)}
    _remove(path for path in [*past, *shelf.glob(".old-step-*")] if path not in wanted and path.name not in spared)


def tidy(run_dir: Path | str) -> None:
    """Remove what a killed writer left half written or half removed, and restore what it had not yet replaced."""
    shelf = checkpoints_directory(Path(run_dir))
    for path in [*shelf.glob(".tmp-step-*"), *shelf.glob(".gone-step-*")]:
        empty(path)
    for old in shelf.glob(".old-step-*"):
        final = old.with_name(old.name.removeprefix(".old-"))
        if not os.path.lexists(final):
            old.rename(final)
        else:
            _remove([old])


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
        except OSError:  # leave what cannot be removed
            continue
    for gone in hidden:
        empty(gone)


def empty(path: Path) -> None:
    """Remove a directory that is no longer, or not yet, a checkpoint, if that is possible."""
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
