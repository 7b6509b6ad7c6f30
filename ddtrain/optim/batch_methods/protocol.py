"""What a method asks of the batch, and what runs one: the same decisions with the same bits on every rank.

A method is a function of the whole vector, which all ranks compute alike. What could differ between machines of
different kinds, the numbers that decisions depend on and what LAPACK solves, is rank 0's (:meth:`Objective.agree`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal, Protocol

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.errors import UsageError
from ddtrain.optim.protocol import WHOLE, Optim, Vector
from ddtrain.parts import Range

_WORKING = 5  # vectors beside a method's own: the point, its gradient, a direction, a trial point and its gradient


class Curved(Protocol):
    """A function of the parameters of which products with the Hessian can be had: what Lanczos' method asks."""

    def hessian_product(self, x: Vector, v: Vector) -> Vector:
        """The Hessian at ``x`` times ``v``, over the samples of the curvature."""
        ...

    def random_normal(self, x: Vector) -> Vector:
        """Normal numbers for the entries of ``x``, others for each step, the same on all ranks."""
        ...

    def agree(self, numbers: Vector) -> Vector:
        """Rank 0's values of an array, on all ranks, in place."""
        ...


class Objective(Curved, Protocol):
    """The mean loss of one global batch, over all ranks, as a function of the parameters. All methods are collective.

    A batch draws the same random numbers at every point. The curvature is that of all its samples, or of some
    (:class:`CurvatureMethod`).

    Attributes
    ----------
    figures : what a method says of its step, for the log; ``curvature`` is that of the direction in which it has left,
        a unit of length, where it is negative, and else 0
    """

    figures: dict[str, float]

    def loss(self, x: Vector) -> float:
        """The loss at ``x``, NaN or infinite where it is."""
        ...

    def loss_and_gradient(self, x: Vector) -> tuple[float, Vector]:
        """The loss and its gradient at ``x``."""
        ...

    def gauss_newton_product(self, x: Vector, v: Vector) -> Vector:
        """The generalised Gauss-Newton matrix at ``x`` times ``v``, over the samples of the curvature."""
        ...

    def curvature_gradient(self, x: Vector) -> Vector:
        """The gradient at ``x`` over the samples of the curvature."""
        ...

    def random_signs(self, x: Vector, number: int) -> Vector:
        """One or minus one for each entry of ``x``, others for each step and number, the same on all ranks."""
        ...


@dataclass(frozen=True)
class BatchMethod(Optim):
    """The base of methods that ask more of a batch than one gradient."""

    lr: float = 1.0
    """The first step that is tried, in units of the method's own; the schedule multiplies it."""
    minibatch: bool = False
    """Take batches that differ from step to step, against which the lectures warn: what is learnt of one is used on
    another.
    """

    def step(
        self, objective: Objective, x: Vector, loss: float, gradient: Vector, state: Mapping[str, Vector], lr: float
    ) -> Vector:
        """The next point.

        Parameters
        ----------
        x, loss, gradient : where the batch has been evaluated
        state : the vectors of :meth:`vectors`, to be written to; zero at first
        lr : of this step
        """
        raise NotImplementedError

    @property
    def matrix(self) -> Literal["", "hessian", "gauss_newton"]:
        """The matrix of which the method takes exact products, which need forward mode; empty: none."""
        return ""

    def check_size(self, n: int, itemsize: int = 8, memory: float = inf) -> None:
        """Raise a UsageError if ``n`` parameters would take too much; called before the first step.

        Parameters
        ----------
        itemsize : bytes of a parameter
        memory : bytes that there are for a rank

        >>> from ddtrain.optim import LineSearch
        >>> LineSearch().check_size(10**9, itemsize=4, memory=32e9)
        """
        count = len(self.vectors()) + _WORKING
        if count * n * itemsize > memory:
            raise UsageError(
                f"--optim.name {self.name}: {count} vectors of {n:,} parameters take {count * n * itemsize / 1e9:,.1f} "
                f"GB a rank, of {memory / 1e9:,.1f} GB of memory",
                remedy=self._smaller(int(memory / (n * itemsize)) - _WORKING),
            )

    def _smaller(self, vectors: int) -> str:
        """What to do to remember so many vectors at most."""
        return "Take a smaller model, or fewer ranks on a machine."


@dataclass(frozen=True)
class CurvatureMethod(BatchMethod):
    """The base of methods that use second derivatives.

    Note [Samples of the curvature]
    Losses and gradients are of the whole batch, but curvature may be of fewer samples. They are drawn anew in each
    step, from (seed, step) alone, and dealt out to the shards like a batch, so that any number of ranks sees the same.
    Batch-norm has the moments of these samples, and dropout draws by their places among them.

    References
    ----------
    Byrd, Chin, Neveitt, Nocedal (2011), "On the use of stochastic Hessian information in optimization methods for
    machine learning".
    """

    curvature_samples: int = 0
    """Samples of the batch, drawn in each step, for second derivatives; 0: all."""

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "curvature_samples", self.curvature_samples >= 0, "0 or more"


class BatchOptimizer:
    """The state of a method, whole on every rank; a step is taken by the mode that knows the batch."""

    def __init__(self, formula: BatchMethod, n: int, dtype: DTypeLike) -> None:
        self.formula: Optim = formula
        self.state: dict[str, Vector] = {name: np.zeros(n, dtype) for name in formula.vectors()}
        self.count = 0

    def apply(self, values: Vector, grads: Vector, *, lr: float, scale: float = 1.0, spans: object = WHOLE) -> None:
        """Not by a gradient alone."""
        raise NotImplementedError(f"{self.formula.name} asks its batch for more than a gradient")


def dot(objective: Objective, a: Vector, b: Vector) -> float:
    """The inner product of two vectors, in float64, rank 0's value on all ranks."""
    return float(objective.agree(np.array([np.dot(a.astype(np.float64), b.astype(np.float64))]))[0])
