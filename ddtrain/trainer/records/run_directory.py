"""What a run finds in its directory: a checkpoint to resume from, another run, or files that no run has made.

RUN/superseded-1/    newer checkpoints, and the log after it, of a run that went back to an older checkpoint
"""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from ddtrain.comm import run_on_all
from ddtrain.comm.protocol import Communicator
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import io_error, sync_directory, write_new
from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.file_names import (
    AVERAGED,
    CONFIG,
    LOG,
    LR_RANGE,
    PLAN,
    REPORTS,
    SAMPLES,
    SEARCH,
    STATUS,
    SUMMARY,
    TRACE,
)
from ddtrain.trainer.records import metrics, status

# Files that a run writes or reads. If one exists but our status.json does not, another program made it.
NAMES = (CONFIG, STATUS, LOG, "checkpoints", SUMMARY, TRACE, AVERAGED, LR_RANGE, PLAN, REPORTS, SAMPLES, "STOP")


def find_checkpoint(comm: Communicator, config: Config, directory: Path) -> finder.Found | None:
    """The checkpoint to resume from, the same on every rank. Collective.

    Raises
    ------
    UsageError : the directory holds a run although none is to be resumed, or files that no run has made
    CheckpointError : the given checkpoint does not verify, or with ``auto`` none of those there does
    """
    found = run_on_all(comm, lambda: _find(config.run.resume, directory))
    which = [found.snapshot.step, found.snapshot.params_sha256, found.snapshot.model_sha256] if found else []
    if any(other != which for other in comm.exchange_objects(which)):
        raise UsageError(
            f"ranks found different checkpoints under {directory}",
            remedy="Give a --run.dir on a file system that all hosts share.",
        )
    return found


def _find(resume: str, directory: Path) -> finder.Found | None:
    found = None
    if resume != "never":
        found = finder.latest(directory) if resume == "auto" else finder.load(resume)
    if found is None or not _belongs_to_run(found.path, directory):
        _require_no_other_run(directory, resume)
    return found


def _belongs_to_run(path: Path, directory: Path) -> bool:
    try:
        return path.parent.samefile(finder.checkpoints_directory(directory))
    except OSError:
        return False


def _require_no_other_run(directory: Path, resume: str) -> None:
    """Raise if the directory already holds a run, or files that this run would overwrite."""
    there = [name for name in NAMES if os.path.lexists(directory / name)]
    saved = bool(finder.checkpoints(directory))
    if (directory / SEARCH).is_file():
        raise UsageError(f"{directory} holds a search, not a run", remedy="Give another --run.dir.")
    if there and not saved and "state" not in status.read(directory):
        raise UsageError(f"{directory} has a {there[0]} that no run has made", remedy="Give another --run.dir.")
    log = directory / LOG  # a run that ended before its first step, because it was refused, say, leaves an empty log
    begun = "checkpoints" in there or (LOG in there and log.stat().st_size > 0)
    if saved or (resume == "never" and begun):
        raise UsageError(
            f"{directory} holds a run already",
            remedy="Give another --run.dir, or --run.resume auto to go on with it.",
        )


def supersede(directory: Path, step: int, resume: str) -> str:
    """Move aside what a run had after the step that it goes back to, so that it is neither lost nor mistaken for new.

    Returns
    -------
    A line about it; empty if there is nothing.

    Raises
    ------
    UsageError : it is behind a symbolic link, where nothing is moved
    DataError : it cannot be moved
    """
    newer = [path for path in finder.checkpoints(directory) if finder.step_number(path) > step]
    if not newer:
        return ""
    if finder.behind_symbolic_link(directory):
        if resume == "auto":  # the newer ones did not verify, so the next start will pass over them, too
            return ""
        raise UsageError(
            f"{newer[0]} is newer than step {step}, and not moved aside, as it is behind a symbolic link",
            remedy="Give another --run.dir, or the one that the link points to.",
        )
    try:
        aside = _move_aside(directory, newer, step)
    except OSError as error:
        raise io_error(error, error.filename or directory, 0) from error
    steps = " and ".join(str(finder.step_number(path)) for path in dict.fromkeys((newer[-1], newer[0])))
    which = f"the checkpoint of step {steps}" if len(newer) == 1 else f"{len(newer)} checkpoints of steps {steps}"
    between = "" if len(newer) < 3 else " and those between"
    return f"superseded: {which}{between}, and the log after step {step}, are now in {aside}"


def _move_aside(directory: Path, newer: list[Path], step: int) -> Path:
    """Move the log, then the newest checkpoint first: after a kill in between, the rest is still a valid run."""
    for number in count(1):
        aside = directory / f"superseded-{number}"
        if not os.path.lexists(aside):
            break
    aside.mkdir()
    write_new(aside / LOG, b"".join(metrics.lines_after(directory / LOG, step)))
    sync_directory(directory)
    for path in newer:
        path.rename(aside / f"step-{finder.step_number(path):08d}")
    if (directory / SUMMARY).exists():
        (directory / SUMMARY).rename(aside / SUMMARY)
    for place in (aside, newer[0].parent, directory):
        sync_directory(place)
    return aside
