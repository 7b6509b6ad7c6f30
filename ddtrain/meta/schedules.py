"""Hyperparameters over the steps of a training, and the gradient by each of their numbers."""

# T steps

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import tree
from ddtrain.errors import ShapeError, UsageError, kind_of, quoted
from ddtrain.suggestions import did_you_mean

Array = np.ndarray[Any, Any]


class Schedules:
    """What hyperparameters are in each step; those that are not given are the optimizer's own.

    Parameters
    ----------
    given : by name: a number, (T,) one for each step, or a structure like ``params`` of such, which makes a vector with
        one for each parameter
    own : the optimizer's
    params : a structure of arrays
    steps : T

    Raises
    ------
    ShapeError : an array of another length
    UsageError : not numbers, a structure unlike ``params``, or a hyperparameter that the optimizer has not

    >>> schedules = Schedules({"lr": [0.1, 0.2]}, {"lr": 1.0, "momentum": 0.9}, [np.zeros(3)], 2)
    >>> schedules.at(1, np.float64)
    {'lr': array(0.2), 'momentum': array(0.9)}
    >>> schedules.add(1, {"lr": 7.0, "momentum": 1.0})
    >>> schedules.gradient()
    {'lr': array([0., 7.])}
    """

    def __init__(self, given: Mapping[str, Any], own: Mapping[str, float], params: Any, steps: int) -> None:
        self._own = own
        self._given: dict[str, _Shared | _Divided] = {}
        for name, value in given.items():
            if name not in own:
                raise _unknown(name, own)
            shared = isinstance(value, int | float) or _numbers(value)
            self._given[name] = _Shared(name, value, steps) if shared else _Divided(name, value, params, steps)

    def at(self, step: int, dtype: DTypeLike) -> dict[str, Array]:
        """The hyperparameters of a step."""
        now = {name: self._given[name].at(step) if name in self._given else own for name, own in self._own.items()}
        return {name: np.asarray(value, dtype) for name, value in now.items()}

    def add(self, step: int, gradient: Mapping[str, Any]) -> None:
        """Take the derivative by the hyperparameters of a step."""
        for name, schedule in self._given.items():
            schedule.add(step, gradient[name])

    def gradient(self) -> dict[str, Any]:
        """What was added, in the structure of what was given."""
        return {name: schedule.gradient() for name, schedule in self._given.items()}


class _Shared:
    """A schedule for all parameters."""

    def __init__(self, name: str, value: Any, steps: int) -> None:
        self._table = _table(name, value, steps)
        self._sums = np.zeros(self._table.shape)

    def at(self, step: int) -> Any:
        return self._table[step] if self._table.ndim else self._table

    def add(self, step: int, gradient: Any) -> None:
        self._sums[step if self._table.ndim else ...] += gradient

    def gradient(self) -> Any:
        return self._sums


class _Divided:
    """A schedule for each array of the parameters."""

    def __init__(self, name: str, value: Any, params: Any, steps: int) -> None:
        if tree.paths(value) != tree.paths(params):
            raise UsageError(
                f"meta: the schedule of {name} is {kind_of(value)} that is not like the parameters",
                remedy="Give a number, an array of one for each step, or a structure like the parameters of such.",
            )
        parts, self._rebuild = tree.flatten(value)
        self._parts = [_Shared(name, part, steps) for part in parts]
        self._sizes = [np.size(leaf) for leaf in tree.flatten(params)[0]]

    def at(self, step: int) -> Any:
        return np.repeat([part.at(step) for part in self._parts], self._sizes)

    def add(self, step: int, gradient: Any) -> None:
        for part, own in zip(self._parts, np.split(gradient, np.cumsum(self._sizes)[:-1]), strict=True):
            part.add(step, own.sum(dtype=np.float64))

    def gradient(self) -> Any:
        return self._rebuild([part.gradient() for part in self._parts])


def _unknown(name: str, own: Mapping[str, float]) -> UsageError:
    why = "Give Sgd(momentum=...) above 0, so that it has a velocity." if name == "momentum" else ""
    return UsageError(
        f"meta: the optimizer has no hyperparameter {quoted(name)}",
        remedy=why or f"{did_you_mean(quoted(name, plain=True), own)} It has {', '.join(own)}.".lstrip(),
    )


def _numbers(value: Any) -> bool:
    """Whether a schedule is one for all arrays."""
    return isinstance(value, np.ndarray | np.number) or (
        isinstance(value, list | tuple) and all(isinstance(x, int | float | np.number) for x in value)
    )


def _table(name: str, value: Any, steps: int) -> Array:
    table = np.asarray(value)
    if table.dtype.kind not in "fiu":
        raise UsageError(f"meta: the schedule of {name} is {kind_of(value)}, not numbers")
    if table.shape not in ((), (steps,)):
        raise ShapeError(
            f"meta: the schedule of {name} has shape {table.shape}, but there are {steps} steps",
            remedy="Give a number for all steps, or one for each.",
        )
    if not np.isfinite(table).all():
        raise UsageError(f"meta: the schedule of {name} is not finite")
    return table.astype(np.float64)
