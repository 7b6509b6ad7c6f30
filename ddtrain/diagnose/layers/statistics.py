"""Statistics of a layer's outputs: mean and deviation, and the shares that are zero, dead or saturated.

N samples, U units
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.protocol import Communicator

Thresholds = tuple[float, float]  # beyond which an output is saturated

SIGMOID, TANH = (0.01, 0.99), (-0.99, 0.99)
_OF_MODULES: dict[type[nn.Module], Thresholds] = {nn.Sigmoid: SIGMOID, nn.Hardsigmoid: SIGMOID, nn.Tanh: TANH}
_OF_OPERATIONS = {"sigmoid": SIGMOID, "hard_sigmoid": SIGMOID, "tanh": TANH}
_NEAR = 0.005  # of the way between two levels of one's own: as near as ±0.99 is to the levels of tanh


def thresholds_of(module: nn.Module) -> Thresholds | None:
    """Beyond which outputs of a layer are saturated; None if it has no levels.

    >>> from ddtrain import nn
    >>> thresholds_of(nn.Tanh()), thresholds_of(nn.Hardtanh(0.0, 4.0)), thresholds_of(nn.ReLU())
    ((-0.99, 0.99), (0.02, 3.98), None)
    """
    if isinstance(module, nn.Hardtanh):
        return _between(module.low, module.high)
    return _OF_MODULES.get(type(module))


def thresholds_of_operation(name: str, args: Sequence[Any]) -> Thresholds | None:
    """The same of an operation by its name; ``args`` are those after the first."""
    if name == "hard_tanh":
        low, high = (*args, -1.0, 1.0)[:2] if len(args) != 1 else (args[0], 1.0)
        return _between(float(low), float(high))
    return _OF_OPERATIONS.get(name)


def _between(low: float, high: float) -> Thresholds:
    margin = _NEAR * (high - low)
    return low + margin, high - margin


@dataclass(frozen=True)
class Sums:
    """What adds up over parts of the outputs (N, ..., U), worked out in float64.

    Attributes
    ----------
    count, total, zeros, saturated : of values; ``saturated`` is NaN where nothing saturates
    alive : (U,) values of each unit that are not zero; of outputs of one dimension, of no unit
    outputs : the values, until their deviations are known
    """

    count: float
    total: float
    zeros: float
    saturated: float
    alive: NDArray[np.float64]
    outputs: tuple[NDArray[Any], ...]

    @classmethod
    def of(cls, x: NDArray[Any], thresholds: Thresholds | None = None) -> Sums:
        """Those of one part."""
        zero = x == 0
        beyond = math.nan if thresholds is None else float(((x < thresholds[0]) | (x > thresholds[1])).sum())
        alive = (~zero).reshape(-1, x.shape[-1]).sum(axis=0).astype(np.float64) if x.ndim > 1 else np.zeros(0)
        return cls(x.size, float(x.sum(dtype=np.float64)), float(zero.sum()), beyond, alive, (x,))

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.count + other.count,
            self.total + other.total,
            self.zeros + other.zeros,
            self.saturated + other.saturated,
            self.alive + other.alive,
            self.outputs + other.outputs,
        )


@dataclass(frozen=True)
class Statistics:
    """Statistics of a layer's outputs.

    Attributes
    ----------
    mean, std : of all values
    zeros : the share that is zero
    dead : the share of units (places on the last axis) that are zero for all samples; None of outputs without units
    saturated : the share beyond the thresholds of :func:`thresholds_of`; None where nothing saturates
    """

    mean: float
    std: float
    zeros: float
    dead: float | None
    saturated: float | None

    def as_dict(self) -> dict[str, float]:
        """By name, without what there is not."""
        return {name: value for name, value in vars(self).items() if value is not None}


def of_ranks(comm: Communicator, parts: Sequence[Sums]) -> list[Statistics]:
    """Statistics of several layers' outputs on all ranks, each of which has some samples. Collective.

    The deviation is from the mean of all, in a second pass: E[x²] − E[x]² would lose it where the mean is large.
    """
    firsts = np.array([[s.count, s.total, s.zeros, s.saturated] for s in parts]).reshape(-1)
    alive = np.concatenate([np.zeros(0), *(s.alive for s in parts)])
    comm.allreduce(firsts)
    comm.allreduce(alive)
    counts, totals, zeros, saturated = firsts.reshape(-1, 4).T
    means = totals / np.maximum(counts, 1)
    spread = np.array([_spread(s, mean) for s, mean in zip(parts, means, strict=True)])
    comm.allreduce(spread)
    found, at = [], 0
    for k, part in enumerate(parts):
        units = alive[at : at + len(part.alive)]
        at += len(part.alive)
        count = max(float(counts[k]), 1.0)
        found.append(
            Statistics(
                float(means[k]),
                math.sqrt(float(spread[k]) / count),
                float(zeros[k]) / count,
                float((units == 0).mean()) if len(units) else None,
                None if math.isnan(saturated[k]) else float(saturated[k]) / count,
            )
        )
    return found


def _spread(part: Sums, mean: float) -> float:
    return sum(float(((x.astype(np.float64) - mean) ** 2).sum()) for x in part.outputs)


def statistics(x: NDArray[Any], thresholds: Thresholds | None = None) -> dict[str, float]:
    """Statistics of outputs (N, ..., U) that one rank has, by name.

    >>> statistics(np.array([[0.0, 2.0], [0.0, 0.0]]))
    {'mean': 0.5, 'std': 0.8660254037844386, 'zeros': 0.75, 'dead': 0.5}
    >>> statistics(np.array([[0.5, 0.999]]), SIGMOID)["saturated"]
    0.5
    """
    return of_ranks(LocalCommunicator(), [Sums.of(x, thresholds)])[0].as_dict()
