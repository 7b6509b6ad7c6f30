"""What rank 0 had decided when a checkpoint was made, checked before a run takes it up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ddtrain.errors import CheckpointError, quoted
from ddtrain.trainer.file_names import STATE


def check_decisions(saved: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    """Check the saved state of rank 0's decisions against a new run's: the same names, and values of the same types.

    Raises
    ------
    CheckpointError : names the first one that is missing or of another type.
    """
    for name, value in fresh.items():
        if name not in saved or not _is_like(saved[name], value):
            found = quoted(saved[name]) if name in saved else "missing"
            raise CheckpointError(
                f"{STATE}: foreign: {name!r} of the coordinator is {found}, where a new run has {value}"
            )


def _is_like(value: Any, fresh: Any) -> bool:
    if isinstance(fresh, Mapping):
        return isinstance(value, Mapping)
    if type(fresh) is int:
        return type(value) is int and 0 <= value < 2**63
    return (value is None and fresh is None) or (type(value) in (int, float) and math.isfinite(value))
