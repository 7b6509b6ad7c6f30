"""A fall whenever the validation loss has not fallen for long."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ddtrain.optim.schedules.protocol import Decay, Schedule
from ddtrain.parts import Range, register


class Plateau:
    """``factor`` each time more than ``patience`` evaluations in a row were no better than the best before.

    >>> plateau = Plateau(factor=0.5, patience=1)
    >>> for valid_loss in (3.0, 2.0, 2.5, 2.0):
    ...     plateau.observe(valid_loss)
    >>> plateau(0)
    0.5
    """

    def __init__(self, factor: float, patience: int) -> None:
        self.factor, self.patience = factor, patience
        self.state: dict[str, Any] = {"multiplier": 1.0, "best": None, "bad": 0}

    def __call__(self, t: float) -> float:
        multiplier: float = self.state["multiplier"]
        return multiplier

    def observe(self, valid_loss: float) -> None:
        """Take note of an evaluation; a NaN counts as no improvement."""
        state = self.state
        if math.isfinite(valid_loss) and (state["best"] is None or valid_loss < state["best"]):
            state["best"], state["bad"] = valid_loss, 0
            return
        state["bad"] += 1
        if state["bad"] > self.patience:
            state["multiplier"], state["bad"] = state["multiplier"] * self.factor, 0


@register
@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Times ``factor`` whenever the validation loss has not fallen for long.

    >>> decay = ReduceOnPlateau(factor=0.5, patience=0).decay(base_lr=0.1, steps=8)
    >>> decay.observe(2.0), decay.observe(2.0), decay(0)
    (None, None, 0.5)
    """

    name: str = "plateau"
    """The learning rate over time (t: steps since the warm-up)."""
    factor: float = 0.5
    """Factor of the rate at each fall."""
    patience: int = 2
    """Evaluations in a row without a better validation loss before the rate falls."""

    def decay(self, base_lr: float, steps: int) -> Decay:
        return Plateau(self.factor, self.patience)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "factor", self.factor > 0, "a finite number above 0"
        yield "patience", self.patience >= 0, "0 or more"
