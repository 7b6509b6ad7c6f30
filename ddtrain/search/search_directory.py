"""A search's own files, which rank 0 writes.

SEARCH/search.json      what was searched, and how; a search that is taken up again must be the same
SEARCH/trials/003/      trial 3, an ordinary run
SEARCH/claims/          which trials of the present stage are taken, where there are several groups
SEARCH/STOP             asks all trials to stop after the step, so that the search can be taken up again
SEARCH/summary.json     all trials, the winners and their ensemble; written at the end, with the two below
SEARCH/next-space.toml  the next, finer space
SEARCH/search.html      the same to look at
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ddtrain.errors import DataError, UsageError, quoted
from ddtrain.json_text import to_json
from ddtrain.search.report.findings import Findings
from ddtrain.search.report.pages import page_of
from ddtrain.trainer import atomic_files
from ddtrain.trainer.file_names import CONFIG, SEARCH, SEARCH_PAGE, SUMMARY, TRIALS

NEXT, CLAIMS, STOP, RECORD = "next-space.toml", "claims", "STOP", "trial.json"


def begin(directory: Path, definition: Mapping[str, Any]) -> None:
    """Write what is searched, or find that it is what the directory was made for.

    Raises
    ------
    UsageError : the directory holds a run, or another search: what differs is named
    DataError : its file is damaged
    """
    path, now = directory / SEARCH, json.loads(to_json(dict(definition)))
    if (directory / CONFIG).exists():
        raise UsageError(f"{directory} holds a run, not a search", remedy="Give another --run.dir.")
    (directory / STOP).unlink(missing_ok=True)
    if not path.exists():
        atomic_files.write_json(path, now)
        return
    try:
        before = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged: {error}", remedy="Give another --run.dir.") from None
    differences = list(_differences(before, now))
    if differences and all(name.startswith("judge.") for name, *_ in differences) and not _any_outcome(directory):
        atomic_files.write_json(path, now)  # the first trial notices a figure that there is not, which may be mended
        return
    for name, then, here in differences:
        raise UsageError(
            f"{directory} holds a search with {name} {quoted(then)}, now it is {quoted(here)}",
            remedy="Give another --run.dir, or what it was to go on.",
        )


def _any_outcome(directory: Path) -> bool:
    """Whether anything was chosen yet by the figure that trials are judged by."""
    return any((directory / TRIALS).glob(f"*/{RECORD}"))


def _differences(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two nested tables differ, by dotted names."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*before, *now)):
            yield from _differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif before != now:
        yield path, before, now


def new_claims(directory: Path) -> None:
    """An empty directory for the claims of a stage."""
    claims = directory / CLAIMS
    try:
        shutil.rmtree(claims, ignore_errors=True)
        claims.mkdir()
    except OSError as error:
        raise atomic_files.io_error(error, claims, 0) from error


def conclude(directory: Path, findings: Findings) -> None:
    """Write what was found, and remove what is no longer needed."""
    atomic_files.write_json(directory / SUMMARY, findings.to_table())
    atomic_files.replace(directory / NEXT, findings.following.to_toml().encode())
    atomic_files.replace(directory / SEARCH_PAGE, page_of(findings).encode())
    shutil.rmtree(directory / CLAIMS, ignore_errors=True)
