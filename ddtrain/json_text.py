"""JSON as runs write it: numbers that are not finite become strings, as JSON has none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON text. JSON has no NaN: it becomes the string "NaN", infinities "Infinity" and "-Infinity".

    The strings are those that ``float`` reads back, so nothing is lost and every line stays valid JSON.

    >>> to_json({"loss": float("nan"), "step": 3})
    '{"loss": "NaN", "step": 3}'
    """
    try:
        return _compact(value) if indent is None else json.dumps(value, indent=indent, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_finite(value), indent=indent, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):  # a NumPy scalar or 0-d array
        return _finite(value.item())
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


# made once and kept, because every step writes a line
_compact = json.JSONEncoder(allow_nan=False, default=_plain).encode


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
