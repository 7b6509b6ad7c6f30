"""Optimizers that take their gradient at another point than the one they update, such as Nesterov's momentum and SAM.

A step moves the values to the point, computes the gradient there, moves them back, and then updates them. So what is
evaluated and saved is always the real point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ddtrain.optim.penalties import Penalized
from ddtrain.optim.protocol import Vector


@dataclass(frozen=True)
class ProbingOptim(Penalized):
    """The base of such optimizers. ``update_`` gets the gradient of the point that ``probe_`` moves to.

    Attributes
    ----------
    by_gradient : the point depends on the gradient of the real one, so a step computes two
    """

    by_gradient: ClassVar[bool] = False

    def probe_(self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, scale: float) -> None:
        """Move ``values`` in place to the point whose gradient is wanted.

        Parameters
        ----------
        grads : the gradient of the real point if ``by_gradient``, else of no meaning
        scale : one over the norm of that whole gradient, or 0 if it has none
        """
        raise NotImplementedError


class Prober(Protocol):
    """An optimizer at work that can move its values to the point whose gradient it wants."""

    formula: ProbingOptim

    def probe(self, values: Vector, grads: Vector, *, scale: float, spans: Sequence[slice]) -> None:
        """Move the values in ``spans`` as :meth:`ProbingOptim.probe_` says."""
        ...
