"""Shapes that recurrent operations check, and make, alike."""

# N batch, T positions, H hidden units

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.errors import ShapeError


def check(op: str, gates: int, a: Any, w: Any, **states: Any) -> None:
    """Raise unless ``a`` is (N, T, gates * H), ``w`` (H, gates * H) and every state (N, H)."""
    if a.ndim != 3 or w.ndim != 2 or w.shape[1] != gates * w.shape[0] or a.shape[2] != w.shape[1]:
        wide = "H" if gates == 1 else f"{gates}H"
        raise ShapeError(f"{op}: a {a.shape} and w {w.shape} are not (N, T, {wide}) and (H, {wide})")
    for name, state in states.items():
        if state.shape != (a.shape[0], w.shape[0]):
            raise ShapeError(
                f"{op}: {name} has shape {state.shape}, not ({a.shape[0]}, {w.shape[0]})",
                remedy="It is the state of each sample before the first position.",
            )


def stacked(states: list[Any], a: Any, width: int) -> Any:
    """The states of all positions, (N, T, width), also of none."""
    return np.stack(states, axis=1) if states else np.reshape(a, (a.shape[0], 0, width))
