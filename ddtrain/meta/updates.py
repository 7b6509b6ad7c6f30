"""Optimizers' formulas as functions that can be differentiated: of the values, of what is remembered, and of the rates.

``ddtrain.optim`` updates the vector of parameters in place, which is fast and has no derivative. Here the same formulas
are written in ``ddtrain.numpy``; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ddtrain.numpy as np
from ddtrain import optim
from ddtrain.autodiff import Array, make_vjp
from ddtrain.errors import UsageError, kind_of, quoted

Rates = Mapping[str, Array]  # hyperparameters of one step by name: numbers, or vectors with one for each parameter
Vectors = tuple[Array, ...]  # what the optimizer remembers
Step = Callable[[Array, Array, Vectors, Rates, Array], tuple[Array, Vectors]]


@dataclass(frozen=True)
class Update:
    """One step of an optimizer on the vector of parameters.

    Attributes
    ----------
    step : ``(values, gradient, remembered, rates, count) -> (values, remembered)``; ``count`` is the step's number
        from 1
    remembered : how many vectors it remembers, zero at first
    rates : all of its hyperparameters, with the values that they have where no schedule says otherwise
    """

    step: Step
    remembered: int
    rates: Mapping[str, float]

    def pull(self, x: Array, g: Array, m: Vectors, rates: Rates, count: Array, to: tuple[Array, Vectors]) -> Any:
        """The cotangents of values, gradient, remembered and rates, from those of the step's results."""
        return make_vjp(self.step, (0, 1, 2, 3))(x, g, m, rates, count)[0](to)


def update_of(formula: optim.Optim) -> Update:
    """The update of an optimizer of ``ddtrain.optim``.

    Parameters
    ----------
    formula : Sgd in all of its forms, Adam or AdamW

    Raises
    ------
    UsageError : another optimizer, or one with L1 or groups

    >>> update = update_of(optim.Sgd(momentum=0.5))
    >>> value, (velocity,) = update.step(np.array(1.0), np.array(2.0), (np.array(4.0),), update.rates, np.array(1))
    >>> float(value), float(velocity), dict(update.rates)
    (0.6, 4.0, {'lr': 0.1, 'momentum': 0.5, 'weight_decay': 0.0})
    """
    make = next((make for kind, make in _UPDATES.items() if type(formula) is kind), None)
    if make is None:
        names = ", ".join(kind.__name__ for kind in _UPDATES)
        raise UsageError(f"meta: {kind_of(formula)} has no formula to differentiate", remedy=f"There is {names}.")
    if getattr(formula, "l1", 0.0) or formula.groups:
        option = "groups" if formula.groups else "l1"
        raise UsageError(
            f"meta: the optimizer has {option}={quoted(getattr(formula, option))}, which is not differentiated",
            remedy="Leave it out; a schedule may be a structure like the parameters, with a rate for each array.",
        )
    update: Update = make(formula)
    return update


def _sgd(formula: optim.Sgd) -> Update:
    """See :class:`ddtrain.optim.Sgd` for the three forms."""
    form, nesterov = formula.momentum_form, formula.nesterov

    def step(x: Array, g: Array, remembered: Vectors, rates: Rates, count: Array) -> tuple[Array, Vectors]:
        lr, g = rates["lr"], g + rates["weight_decay"] * x
        if not remembered:
            return x - lr * g, ()
        momentum = rates["momentum"]
        rate, gain = (-1.0, -lr) if form == "lecture" else (lr, 1.0 - momentum if form == "friction" else 1.0)
        driven = gain * g
        velocity = momentum * remembered[0] + driven
        return x - rate * (driven + momentum * velocity if nesterov else velocity), (velocity,)

    momentum = {"momentum": formula.momentum} if formula.momentum else {}
    return Update(step, len(momentum), {"lr": formula.lr, **momentum, "weight_decay": formula.weight_decay})


def _adam(formula: optim.Adam) -> Update:
    """See :class:`ddtrain.optim.Adam` and AdamW."""
    decoupled, corrected = formula.decoupled, formula.bias_correction

    def step(x: Array, g: Array, remembered: Vectors, rates: Rates, count: Array) -> tuple[Array, Vectors]:
        lr, beta1, beta2, decay = (rates[name] for name in ("lr", "beta1", "beta2", "weight_decay"))
        g = g if decoupled else g + decay * x
        m = beta1 * remembered[0] + (1.0 - beta1) * g
        v = beta2 * remembered[1] + (1.0 - beta2) * g * g
        mean, square = (m / (1.0 - beta1**count), v / (1.0 - beta2**count)) if corrected else (m, v)
        moved = x - lr * mean / (_root(square) + rates["eps"])
        return (moved - lr * decay * x if decoupled else moved), (m, v)

    names = ("lr", "beta1", "beta2", "eps", "weight_decay")
    return Update(step, 2, {name: getattr(formula, name) for name in names})


def _root(x: Array) -> Array:
    """The square root, with the derivative 0 at 0, where that of a weight lies that has had no gradient yet.

    >>> from ddtrain import grad
    >>> grad(lambda x: _root(x) * 0.0)(0.0), grad(_root)(4.0)
    (array(0.), array(0.25))
    """
    positive = x > 0
    return np.where(positive, np.sqrt(np.where(positive, x, 1.0)), 0.0)


_UPDATES: dict[type[Any], Callable[..., Update]] = {optim.Sgd: _sgd, optim.Adam: _adam, optim.AdamW: _adam}
