"""Writing checkpoints: rank 0 writes them under temporary names, and renames them once they are on the disk.

    RUN/checkpoints/step-00000120/   see :mod:`ddtrain.trainer.checkpoint.contents` for the files in it
    RUN/checkpoints/.tmp-step-...    being written
    RUN/checkpoints/.old-step-...    being replaced by another of the same step; counts until that one is there
    RUN/checkpoints/.gone-step-...   being removed

Note [Out of the name space]
A writer may be killed between any two system calls, and even then every checkpoint to be found must be complete. So a
checkpoint gets its name when it is complete (Note [Written aside]), and loses its name before its files are removed.
The next start or save removes what a killed writer has left under other names. Nothing else in these directories is
ever touched, and no checkpoint behind a symbolic link, because somebody has set that link to keep something there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain.comm import run_on_rank_0
from ddtrain.comm.protocol import Array, Communicator
from ddtrain.errors import CheckpointError
from ddtrain.trainer.atomic_files import discard, io_error, sync_directory, write_new
from ddtrain.trainer.checkpoint.contents import Snapshot, decode, encode, read_state, sealed
from ddtrain.trainer.checkpoint.finder import path_of
from ddtrain.trainer.checkpoint.retention import NEW_STATE, empty, prune, tidy
from ddtrain.trainer.file_names import STATE


def save(
    comm: Communicator, run_dir: Path | str, take: Callable[[], Snapshot], keep: int = 3, spared: Collection[str] = ()
) -> Path:
    """Save a checkpoint from rank 0, and let every rank know how it went. Collective.

    Parameters
    ----------
    take : makes the snapshot; called on rank 0 alone
    keep : newest checkpoints to keep, besides the best
    spared : names of checkpoints that must not be removed, however old, see :func:`behind_symbolic_link`

    Returns
    -------
    The checkpoint's directory, once its bytes and its name are on the disk and were read back.

    Raises
    ------
    CheckpointError : on all ranks, with path, reason and bytes needed. Older checkpoints are untouched.
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
    """Add later results to a saved checkpoint, and keep the best checkpoints in view of them. Collective.

    Parameters
    ----------
    path : the checkpoint's directory; if this run has not saved it, nothing is done
    changes : returns fields of its state.json; called on rank 0 alone
    keep, spared : as for :func:`save`

    Raises
    ------
    CheckpointError : on all ranks; the checkpoint is then as it was saved.
    """
    run_on_rank_0(comm, lambda: amend(Path(path), changes(), keep, spared))


def gather(comm: Communicator, mine: Mapping[str, Array]) -> dict[str, Array]:
    """All ranks' arrays on rank 0, as ``RANK/NAME``; nothing on the others. Collective."""
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
        empty(aside)
        wanted = sum(map(len, files.values()))
        raise io_error(error, error.filename or final, wanted, CheckpointError) from error
    decode(final)  # nothing older is removed before the new one has been read back
    prune(shelf, final, keep, spared)
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
    prune(path.parent, path, keep, spared)
    return str(path)


def _publish(aside: Path, final: Path) -> None:
    """Give a complete directory its name. An older one of that name, from before a resume, stays until then."""
    if os.path.lexists(final):
        final.rename(final.with_name(f".old-{final.name}"))
    aside.rename(final)
    sync_directory(final.parent)
