"""Quasi-Newton methods: L-BFGS with the latest pairs of steps and changes of the gradient, BFGS with all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ddtrain.optim.batch_methods.line_search import Point, strong_wolfe
from ddtrain.optim.batch_methods.protocol import BatchMethod, Objective, dot
from ddtrain.optim.protocol import Vector
from ddtrain.parts import Range, register

_CURVED = 1e-10  # a pair whose curvature is less, beside the size of its step and change, is left out


@register
@dataclass(frozen=True)
class Lbfgs(BatchMethod):
    """Limited-memory BFGS, to the strong Wolfe conditions.

    The direction is −H g, where H is an estimate of the inverse Hessian: the latest pairs s = x − x₀, y = g − g₀ in the
    two-loop recursion, over (s · y / y · y) of the latest pair times the identity.

    References
    ----------
    Nocedal (1980), "Updating quasi-Newton matrices with limited storage". Liu, Nocedal (1989). Nocedal, Wright (2006),
    "Numerical optimization", algorithms 7.4 and 7.5.

    Examples
    --------
    >>> Lbfgs(history=2).vectors()
    ('x', 'gradient', 'step1', 'step2', 'change1', 'change2')
    """

    name: str = "lbfgs"
    """Update rule."""
    history: int = 10
    """Pairs that are remembered; each takes two vectors."""

    def vectors(self) -> tuple[str, ...]:
        numbers = range(1, self.history + 1)
        return ("x", "gradient", *(f"step{k}" for k in numbers), *(f"change{k}" for k in numbers))

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        if state["gradient"].any():
            self.remember(objective, x - state["x"], gradient - state["gradient"], state)
        state["x"][...], state["gradient"][...] = x, gradient
        direction = -self.times_inverse(objective, gradient, state)
        slope = dot(objective, gradient, direction)
        if slope >= 0:  # only by rounding: the estimate is positive definite
            self._forget(state)
            direction, slope = -gradient, -dot(objective, gradient, gradient)
        if slope == 0:
            return x
        first = not state["change1"].any()
        length = lr / np.sqrt(-slope) if first else lr
        found = strong_wolfe(objective, Point(0.0, x, loss, gradient, slope), direction, float(length), 0.9)
        if found is None:
            self._forget(state)
            return x
        return found.x

    def remember(self, objective: Objective, step: Vector, change: Vector, state: Mapping[str, Vector]) -> None:
        """Put a pair in front of the others, if the loss is curved along it."""
        curved = dot(objective, step, change)
        if curved <= _CURVED * dot(objective, step, step) ** 0.5 * dot(objective, change, change) ** 0.5:
            return
        for k in range(self.history, 1, -1):
            for name in ("step", "change"):
                state[f"{name}{k}"][...] = state[f"{name}{k - 1}"]
        state["step1"][...], state["change1"][...] = step, change

    def _forget(self, state: Mapping[str, Vector]) -> None:
        for k in range(1, self.history + 1):
            state[f"step{k}"][...] = state[f"change{k}"][...] = 0

    def times_inverse(self, objective: Objective, g: Vector, state: Mapping[str, Vector]) -> Vector:
        """The two-loop recursion."""
        pairs = [(state[f"step{k}"], state[f"change{k}"]) for k in range(1, self.history + 1)]
        known = [(s, y, dot(objective, s, y)) for s, y in pairs if y.any()]
        q, weights = g.copy(), []
        for s, y, curved in known:  # the latest first
            weights.append(dot(objective, s, q) / curved)
            q -= weights[-1] * y
        if known:
            _, y, curved = known[self._scaled_by(known)]
            q *= curved / dot(objective, y, y)
        for (s, y, curved), weight in zip(reversed(known), reversed(weights), strict=True):
            q += (weight - dot(objective, y, q) / curved) * s
        return q

    def _smaller(self, vectors: int) -> str:
        if vectors < 4:
            return super()._smaller(vectors)
        return f"Give --optim.history {(vectors - 2) // 2}, or less, or fewer ranks on a machine."

    def _scaled_by(self, known: list[tuple[Vector, Vector, float]]) -> int:
        """Which pair the estimate that the others refine is scaled by: the latest."""
        return 0

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "history", 1 <= self.history <= 1000, "from 1 to 1000"


@register
@dataclass(frozen=True)
class Bfgs(Lbfgs):
    """BFGS: all pairs since the first, over the estimate that the first one gives.

    The inverse Hessian is never formed: its pairs are kept, 2 · history vectors, and applied by the same recursion.
    When there are ``history`` of them, the oldest is left out.

    References
    ----------
    Broyden, Fletcher, Goldfarb, Shanno (1970). Nocedal, Wright (2006), "Numerical optimization", algorithm 6.1.

    Examples
    --------
    >>> len(Bfgs(history=100).vectors())
    202
    """

    name: str = "bfgs"
    """Update rule."""
    history: int = 100
    """Pairs that are remembered at most; each takes two vectors."""

    def _scaled_by(self, known: list[tuple[Vector, Vector, float]]) -> int:
        return len(known) - 1
