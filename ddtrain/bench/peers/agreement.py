"""Whether a peer computes what we do: only then do their times say anything about each other.

Both start from the same values and take the same batches in the same order. After a few steps the losses must be the
same, and every parameter and buffer must have moved the same way: what is compared is how far a tensor has come from
its initial values, because a learning rate of 0.01 leaves most digits of the values themselves as they were, and a peer
that did not train at all would agree to three of them.

Note [Agreement in float32]
Each sum of n rounded terms has a relative error of about sqrt(n) times 6e-8, 1e-6 to 1e-5 here, and that is what
perceptrons and transformers differ by. Where ReLUs follow batch-norm, thousands of values stand within rounding of 0,
and each that falls to the other side changes a gradient by a part in some hundreds: ResNet-20's first gradient is off
by 0.002 in PyTorch and by 0.001 in ours, both measured from float64. Every step multiplies such differences: the tensor
that differs most has moved otherwise by 0.02 after two steps and by 0.1 after five, the loss by 1e-6 and by 2e-4. So
there are two looks, at two or three times that, and at five or ten times for the loss. The first sees what is wrong: no
momentum moves everything otherwise by a third, a loss scaled otherwise, a layer that was initialised otherwise or a
bias left out by as much, and the loss tells forward passes apart. The second sees what adds up slowly, and that the
steps after a program was compiled or recorded are still those of the first ones.

A tensor that hardly moves, such as the bias of attention's keys, whose gradient is zero but for rounding, is held to a
tenth of what a typical tensor moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain.bench.peers.registry import CannotRun, Reached

Tensors = Mapping[str, NDArray[Any]]


class Look(NamedTuple):
    """After so many steps, how far losses may differ, relatively, and how far the movement of a tensor."""

    steps: int
    loss: float
    movement: float


LOOKS = (Look(2, loss=1e-5, movement=0.05), Look(5, loss=1e-3, movement=0.25))
STEPS = LOOKS[-1].steps
_COUNTED = "num_batches_tracked"  # a counter, which peers need not keep


class Point(NamedTuple):
    """What training had come to at a look."""

    loss: float
    tensors: Tensors


def copied(tensors: Tensors) -> Tensors:
    """Values that stay as they are while training goes on."""
    return {path: x.copy() for path, x in tensors.items()}


def trail(step: Callable[[], object], trainee: Reached) -> list[Point]:
    """Take the first :data:`STEPS` steps; what they have come to at each look."""
    points = []
    for taken in range(1, STEPS + 1):
        step()
        if any(taken == look.steps for look in LOOKS):
            points.append(Point(trainee.loss(), copied(trainee.tensors())))
    return points


def require(name: str, start: Tensors, ours: Sequence[Point], theirs: Sequence[Point]) -> None:
    """Compare two trails from ``start``.

    Parameters
    ----------
    name : of the peer, for the message

    Raises
    ------
    CannotRun : losses or tensors differ (Note [Agreement in float32]); the message names the worst tensor
    """
    for look, mine, other in zip(LOOKS, ours, theirs, strict=True):
        after = f"after {look.steps} steps"
        if not abs(mine.loss - other.loss) <= look.loss * abs(mine.loss):
            raise CannotRun(
                f"{name} computes something else: {after} its loss is {other.loss:.7g}, ours {mine.loss:.7g}"
            )
        path, difference = worst(start, mine.tensors, other.tensors)
        if not difference <= look.movement:
            raise CannotRun(
                f"{name} computes something else: {after} its {path} differs from ours by {difference:.2g} of the way "
                "that ours has come"
            )


def worst(start: Tensors, ours: Tensors, theirs: Tensors) -> tuple[str, float]:
    """The tensor whose movement differs most, and by how much of its own; missing and misshapen ones differ by inf.

    >>> zeros, ones = np.zeros(2), np.ones(2)
    >>> worst({"w": zeros, "b": zeros}, {"w": ones, "b": ones}, {"w": ones, "b": 1.5 * ones})
    ('b', 0.5)
    """
    moved = {path: _norm(x - start[path]) for path, x in ours.items() if not path.endswith(_COUNTED)}
    typical = float(np.median([norm / math.sqrt(ours[path].size) for path, norm in moved.items()]))
    found = {}
    for path, norm in moved.items():
        x, y = ours[path], theirs.get(path)
        fits = y is not None and y.shape == x.shape
        least = max(norm, 0.1 * typical * math.sqrt(x.size))
        found[path] = _norm(x - y) / least if fits and least else math.inf
    return max(found.items(), key=lambda item: item[1] if math.isfinite(item[1]) else math.inf)


def _norm(x: NDArray[Any]) -> float:
    return float(np.linalg.norm(x.astype(np.float64)))
