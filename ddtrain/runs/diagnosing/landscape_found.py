"""The loss of a run along the line between two checkpoints, and on a plane around one, with the run's path on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ddtrain.diagnose.landscape import (
    coordinates,
    losses_on_line,
    losses_on_plane,
    principal_directions,
    random_direction,
)
from ddtrain.errors import NonFiniteError, UsageError
from ddtrain.runs.diagnosing.opened import OpenedRun, Point
from ddtrain.runs.diagnosing.training_loss import TrainingLoss

Array = NDArray[np.float64]
PLANES = ("random", "pca")
_MARGIN = 0.25  # of the path's extent, beyond it on all sides of a plane through it
_BEYOND = 0.25  # of the way between two checkpoints, beyond both of them


@dataclass(frozen=True)
class LineFound:
    """The losses along a line.

    Attributes
    ----------
    ends : the checkpoints at 0 and at 1
    at, losses : places along the line, and the losses there
    samples : of the loss
    """

    ends: tuple[str, str]
    at: Array
    losses: Array
    samples: int

    @property
    def barrier(self) -> float:
        """By how much the loss between the ends rises above the straight line between theirs, at most (Frankle et al.,
        arXiv:1912.05671).
        """
        inside = (self.at >= 0) & (self.at <= 1)
        first, last = (float(self.losses[np.argmin(np.abs(self.at - end))]) for end in (0, 1))
        above = self.losses[inside] - (first + self.at[inside] * (last - first))
        return float(np.nanmax(above))

    def __str__(self) -> str:
        first, last = (float(self.losses[np.argmin(np.abs(self.at - end))]) for end in (0, 1))
        text = f"loss {first:.4g} at {self.ends[0]}, {last:.4g} at {self.ends[1]}; between them it rises by at most "
        return f"{text}{self.barrier:.4g} above their straight line"


@dataclass(frozen=True)
class PlaneFound:
    """The losses on a plane around a checkpoint.

    Attributes
    ----------
    centre : the checkpoint at (0, 0)
    kind : of the directions, random or pca
    a, b, losses : places along the two directions, and (B, A) the losses there
    path : (C, 2) the run's checkpoints, as far as they lie on the plane
    steps : of each of them
    shares : of the path's squared way that each direction shows
    samples : of the loss
    """

    centre: str
    kind: str
    a: Array
    b: Array
    losses: Array
    path: Array
    steps: list[int]
    shares: tuple[float, float]
    samples: int

    def __str__(self) -> str:
        finite = self.losses[np.isfinite(self.losses)]
        b, a = np.unravel_index(
            np.nanargmin(np.where(np.isfinite(self.losses), self.losses, np.nan)), self.losses.shape
        )
        lines = [
            f"{self.centre}, {self.kind} directions: losses from {finite.min():.4g} at ({self.a[a]:.3g}, "
            f"{self.b[b]:.3g}) to {finite.max():.4g}",
            f"path of {len(self.path)} checkpoints: the plane shows {sum(self.shares):.0%} of its squared way",
        ]
        odd = self.losses.size - finite.size
        return "\n".join([*lines, *([f"{odd} of {self.losses.size} losses are not finite"] if odd else [])])


def landscape(
    opened: OpenedRun,
    checkpoint: str = "best",
    *,
    to: str = "",
    plane: str = "random",
    points: int = 25,
    span: float = 1.0,
    batches: int = 8,
) -> LineFound | PlaneFound:
    """The loss of a run on a line from a checkpoint to another one, or on a plane around it. Collective.

    Buffers are those of ``checkpoint`` everywhere: batch-norm does not read them in training, and in evaluation shows
    what its stored statistics make of other weights.

    Parameters
    ----------
    checkpoint : at the line's beginning or the plane's centre: best, last, or a path
    to : the line's end, which asks for a line: best, last, or the path of a checkpoint of the same model, of this run
        or another
    plane : random directions with filters as long as the network's, or the pca of the path of the run's checkpoints
    points : along a line, and along each side of a plane
    span : of a plane of random directions, to both sides, in units of the network's own length; that of a pca is what
        the path takes
    batches : whose mean loss is looked at, those that follow the checkpoint; 0: of a whole epoch

    Raises
    ------
    UsageError : on all ranks: an option is out of range, or too few checkpoints are there for a pca
    CheckpointError : on all ranks: there is none, it is damaged, or of another model
    NonFiniteError : on all ranks: the loss at the checkpoint is not finite
    """
    if points < 3:
        raise UsageError(f"--points {points} is out of range", remedy="Give 3 or more.")
    if plane not in PLANES:
        raise UsageError(f"--plane {plane}: there is none", remedy=f"Give {' or '.join(PLANES)}.")
    if not 0 < span < np.inf:
        raise UsageError(f"--span {span} is out of range", remedy="Give a finite number above 0.")
    centre = opened.point(checkpoint)
    other = opened.point(to) if to else None
    loss = opened.loss_around(centre, batches)
    at_centre = loss.loss(centre.x)
    if not np.isfinite(at_centre):
        raise NonFiniteError(f"{centre.path}: the loss is {at_centre:g}", remedy="Look at an earlier checkpoint.")
    if other is None:
        return _plane(opened, centre, loss, plane, points, span)
    at = np.unique([*np.linspace(-_BEYOND, 1 + _BEYOND, points), 0.0, 1.0])
    losses = losses_on_line(loss, centre.x, other.x, at.tolist())
    return LineFound((str(centre.path), str(other.path)), at, losses, loss.samples)


def _plane(opened: OpenedRun, centre: Point, loss: TrainingLoss, kind: str, points: int, span: float) -> PlaneFound:
    path = opened.path_of_run()
    opened.stand_at(centre)  # whose statistics batch-norm has, where they are read
    xs = [point.x for point in path]
    if kind == "pca":
        axes = principal_directions(xs, centre.x).axes
    else:
        seed = opened.config.run.seed
        axes = (random_direction(opened.store, centre.x, seed, 0), random_direction(opened.store, centre.x, seed, 1))
    places = coordinates(xs, centre.x, axes)
    a, b = (_side(places[:, k], points, span if kind == "random" else 0.0) for k in (0, 1))
    losses = losses_on_plane(loss, centre.x, axes, a, b)
    steps = [point.snapshot.step for point in path]
    return PlaneFound(str(centre.path), kind, a, b, losses, places, steps, _shares(xs, centre.x, axes), loss.samples)


def _side(path: Array, points: int, span: float) -> Array:
    """Places along one side of a plane; without a span, from one end of the path to the other, with a margin."""
    if span:
        return np.linspace(-span, span, points)
    low, high = min(0.0, float(path.min())), max(0.0, float(path.max()))
    margin = _MARGIN * (high - low)
    return np.linspace(low - margin, high + margin, points)


def _shares(path: list[Array], centre: Array, axes: tuple[Array, Array]) -> tuple[float, float]:
    """Of the path's squared way from the centre, what lies along each of two directions, made orthogonal."""
    ways = np.array([point - centre.astype(np.float64) for point in path])
    whole = float((ways**2).sum()) or 1.0
    first = axes[0] / np.linalg.norm(axes[0])
    second = axes[1] - (axes[1] @ first) * first
    second = second / np.linalg.norm(second)
    shares = [float(((ways @ axis) ** 2).sum()) / whole for axis in (first, second)]
    return shares[0], shares[1]
