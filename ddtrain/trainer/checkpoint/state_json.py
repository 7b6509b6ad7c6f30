"""What a state.json may contain: every field's type and range, checked before it is used.

A file with a correct hash may still make no sense: another program may have written it, or somebody may have edited it.
What depends on the resumed run (shapes, names of parameters, data) is checked by that run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import CheckpointError, quoted
from ddtrain.trainer.file_names import MEMORY, MODEL, OPTIM, OPTIONAL

# the names of tensors in the ranks' memory, see rank_state.py
_MEMORY = re.compile(r"(\d{1,9})/(spans|(?:sum|mean|own)\..+)")


def is_count(value: Any, most: float = 2**63) -> bool:
    """Whether ``value`` is an integer, and not a bool, from 0 to below ``most``."""
    return type(value) is int and 0 <= value < most


def is_figure(value: Any) -> bool:
    """Whether ``value`` is a number, or one of the strings that stand for NaN and infinities."""
    return type(value) in (int, float) or value in ("NaN", "Infinity", "-Infinity")


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and (not value or re.fullmatch("[0-9a-f]{64}", value) is not None)


def _is_table(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, Mapping) and all(map(of, value.values()))


def _are_files(value: Any) -> bool:
    return _is_table(value, _is_file) and {MODEL, OPTIM} <= set(value) <= {MODEL, OPTIM, *OPTIONAL.values()}


def _is_file(value: Any) -> bool:
    if not isinstance(value, Mapping) or set(value) != {"bytes", "sha256"}:
        return False
    return is_count(value["bytes"]) and bool(value["sha256"]) and _is_hash(value["sha256"])


_COUNT, _HASH = "a whole number, 0 or more", "a SHA-256 in hexadecimal"
_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "step": (_COUNT, is_count),
    "epoch": (_COUNT, is_count),
    "position": (_COUNT, is_count),
    "evaluated": (_COUNT, is_count),
    "optim_count": (_COUNT, is_count),
    "seed": ("a whole number from 0 to 2**64 - 1", lambda value: is_count(value, 2**64)),
    "data": ("a text", lambda value: isinstance(value, str)),
    "config": ("sections", lambda value: isinstance(value, Mapping)),
    "coordinator": ("names and values", lambda value: isinstance(value, Mapping)),
    "metrics": ("names and numbers", lambda value: _is_table(value, is_figure)),
    "params_sha256": (_HASH, _is_hash),
    "model_sha256": (_HASH, _is_hash),
    "versions": ("names and texts", lambda value: _is_table(value, lambda text: isinstance(text, str))),
    "files": (f"bytes and sha256 of {MODEL}, {OPTIM} and perhaps {', '.join(OPTIONAL.values())}", _are_files),
}


def check_state(file: Path, state: Mapping[str, Any], names: Collection[str]) -> None:
    """Check the contents of a state.json.

    Parameters
    ----------
    file : for the message
    names : exactly the names that it must have

    Raises
    ------
    CheckpointError : names the field, what it should be and what it is.
    """
    for name in names:
        if name not in state:
            raise CheckpointError(f"{file}: foreign: has no {name!r}")
    for name, value in state.items():
        if name not in names:
            raise CheckpointError(f"{file}: foreign: has {quoted(name)}, which no checkpoint has")
        wanted, is_right = _FIELDS.get(name, ("", lambda value: True))
        if not is_right(value):
            raise CheckpointError(f"{file}: foreign: {name!r} should be {wanted}, but is {quoted(value)}")
    if state["evaluated"] > state["step"]:
        raise CheckpointError(f"{file}: foreign: evaluated after step {state['evaluated']}, but at {state['step']}")


def check_memory(memory: Mapping[str, NDArray[Any]], size: int) -> None:
    """Check that names are those of ranks' memory, and that each rank's packed vectors are as long as its spans.

    Parameters
    ----------
    size : length of the vectors that the spans divide

    Raises
    ------
    CheckpointError : names the first array that does not fit.
    """
    for name, x in memory.items():
        match = _MEMORY.fullmatch(name)
        if match is None:
            raise CheckpointError(f"{MEMORY}: foreign: {quoted(name)} is the name of no rank's memory")
        rank, what = match.groups()
        spans = memory.get(f"{rank}/spans")
        if spans is None or not _are_spans(spans, size):
            raise CheckpointError(f"{MEMORY}: foreign: {rank}/spans should be spans of a vector of {size}")
        length = int(np.sum(spans[:, 1] - spans[:, 0]))
        if what.startswith(("sum.", "mean.")) and x.shape != (length,):
            raise CheckpointError(
                f"{MEMORY}: foreign: {name} should be {length} numbers, as {rank}/spans says: {x.shape}"
            )
    ranks = {int(name.partition("/")[0]) for name in memory}
    if ranks != set(range(len(ranks))):
        raise CheckpointError(f"{MEMORY}: foreign: it holds the memory of ranks {sorted(ranks)[:9]}, with gaps")


def _are_spans(spans: NDArray[Any], size: int) -> bool:
    if spans.ndim != 2 or spans.shape[1] != 2 or spans.dtype != np.int64:
        return False
    first, last = spans.T
    return bool(np.all((first >= 0) & (first <= last) & (last <= size)))
