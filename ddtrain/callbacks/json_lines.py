"""Files of JSON lines, one a step, as callbacks write them; NaN and infinities are strings, as in metrics.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ddtrain.errors import DataError
from ddtrain.json_text import to_json


def append(path: Path, line: dict[str, Any]) -> None:
    """Add a line to a file.

    Raises
    ------
    DataError : it cannot be written

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "lines.jsonl"
    >>> append(path, {"step": 1, "mean": float("nan")})
    >>> list(read(path))
    [{'step': 1, 'mean': 'NaN'}]
    """
    try:
        with path.open("a") as file:
            file.write(to_json(line) + "\n")
    except OSError as error:
        raise refused(path, error) from error


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, none if it is not there; one that a killed run left half written is left out."""
    for text in path.read_text().splitlines() if path.exists() else ():
        try:
            yield json.loads(text)
        except ValueError:
            continue


def cut(path: Path, step: int) -> None:
    """Leave out the lines of later steps, which a resumed run takes again.

    Raises
    ------
    DataError : it cannot be written
    """
    kept = [line for line in read(path) if line["step"] <= step]
    if path.exists():
        try:
            path.write_text("".join(json.dumps(line) + "\n" for line in kept))
        except OSError as error:
            raise refused(path, error) from error


def refused(path: Path, error: OSError) -> DataError:
    """The error for a file that a callback cannot write."""
    return DataError(
        f"--log.to: {path}: {error.strerror}", remedy="Make room, or leave out the callback that writes it."
    )
