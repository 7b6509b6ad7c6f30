"""Families of problems: what an optimizer is learned for, and tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ddtrain import optim
from ddtrain.autodiff import flatten, value_and_grad
from ddtrain.plan import compile

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Family:
    """Problems that are alike: one loss, of parameters and data that are drawn for each.

    Parameters
    ----------
    loss : ``loss(params, *batch)``, one number
    draw : ``draw(generator) -> (params, batches)``: where a problem begins, a structure of arrays, and an endless
        iterator of the arrays of each step's batch: ``itertools.repeat(data)`` where all steps have the same
    compiled : whether the loss and its gradient are recorded as a plan; False for a loss that reads anything that
        changes but its arguments (Note [What a plan assumes] in ``ddtrain/plan``)

    Examples
    --------
    >>> from itertools import repeat
    >>> bowls = Family(lambda x, c: ((x - c) ** 2).sum(), lambda rng: (np.zeros(2), repeat((rng.normal(size=2),))))
    >>> losses = bowls.losses(optim.Sgd(momentum=0.0, lr=0.25), np.random.default_rng(0), steps=3)
    >>> (losses / losses[0]).tolist()
    [1.0, 0.25, 0.0625, 0.015625]
    """

    loss: Callable[..., Any]
    draw: Callable[[np.random.Generator], tuple[Any, Iterator[tuple[Any, ...]]]]
    compiled: bool = True

    @cached_property
    def value_and_gradient(self) -> Callable[..., tuple[Any, Any]]:
        both: Any = value_and_grad(self.loss)
        return compile(both) if self.compiled else both

    def losses(self, formula: optim.Optim, generator: np.random.Generator, steps: int) -> Array:
        """(steps + 1,): the losses of a problem under an optimizer, from its start on; infinite once one is not finite.

        Parameters
        ----------
        formula : with its learning rate, which stays the same
        generator : draws the problem
        """
        problem, losses = Problem(self, generator), np.full(steps + 1, np.inf)
        optimizer = optim.make(formula, len(problem.x), problem.x.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # what diverges is told by its losses
            for step in range(steps + 1):
                losses[step], gradient = problem.evaluate()
                if not np.isfinite(losses[step]) or not np.isfinite(gradient).all():
                    losses[step:] = np.inf
                    break
                optimizer.apply(problem.x, gradient, lr=formula.lr)
        return losses


class Problem:
    """One of a family, under way.

    Attributes
    ----------
    x : the vector of its parameters, which whoever solves it changes in place
    """

    def __init__(self, family: Family, generator: np.random.Generator) -> None:
        params, self._batches = family.draw(generator)
        joined, self._unflatten = flatten(params)
        self.x: Array = np.array(joined)
        self._value_and_gradient = family.value_and_gradient

    def evaluate(self) -> tuple[float, Array]:
        """The loss of the next batch, and its gradient, a vector."""
        value, gradient = self._value_and_gradient(self._unflatten(self.x), *next(self._batches))
        return float(value), flatten(gradient)[0]
