"""What losses share: checks of labels and targets, the mean over a sample's features, and the positive part."""

# N samples (or any leading axes), K classes

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import nondifferentiable
from ddtrain.autodiff.core.checks import checked
from ddtrain.errors import ShapeError, UsageError
from ddtrain.ops.argument_checks import check_indices

_RANGE = "Labels are classes counted from 0: is the last layer as wide as there are classes?"
_SUM_TOLERANCE = 1e-3  # of soft targets: more than rounding in half precision, less than any mistake


def check_labels(op: str, scores: Any, labels: Any, but: int | None = None) -> None:
    """Raise unless ``labels`` holds one class of the scores' last axis, or ``but``, for each sample."""
    if scores.ndim == 0 or scores.shape[:-1] != labels.shape:
        raise ShapeError(
            f"{op}: scores have shape {scores.shape} but labels have shape {labels.shape}",
            remedy="Labels have the shape of the scores without its last axis, the classes.",
        )
    check_indices(op, "label", "labels", labels, scores.shape[-1], _RANGE, but)


def _one_hot(labels: Any, classes: int, dtype: Any) -> Any:
    """(..., K): 1 at each label, 0 elsewhere."""
    one_hot = onp.zeros((*labels.shape, classes), dtype)
    onp.put_along_axis(one_hot, labels[..., None], 1, axis=-1)
    return one_hot


one_hot = nondifferentiable(_one_hot, name="one_hot")


def flat_rows(scores: Any, labels: Any) -> tuple[Any, Any, Any]:
    """Scores as (M, K), labels as (M,), and 0..M-1."""
    rows = math.prod(labels.shape)
    return np.reshape(scores, (rows, scores.shape[-1])), labels.reshape(rows), onp.arange(rows)


def is_soft(scores: Any, targets: Any) -> bool:
    """Whether targets are probabilities of the classes, not labels: they have as many axes as the scores.

    >>> is_soft(np.zeros((2, 3)), np.ones((2, 3)) / 3), is_soft(np.zeros((2, 3)), np.array([0, 2]))
    (True, False)
    """
    return bool(scores.ndim == targets.ndim)


def check_soft(op: str, scores: Any, targets: Any) -> None:
    """Raise unless ``targets`` holds for each sample probabilities of the classes, which sum to one."""
    if scores.shape != targets.shape and targets.dtype.kind in "iu":  # labels with an axis too many
        check_labels(op, scores, targets)
    if scores.ndim == 0 or scores.shape != targets.shape:
        raise ShapeError(
            f"{op}: scores have shape {scores.shape} but soft targets have shape {targets.shape}",
            remedy="Both are (N, K), with a probability for each class.",
        )
    checked("check soft targets", _check_probabilities, op, targets)


def _check_probabilities(op: str, values: Any) -> None:
    sums = values.sum(-1)
    for wrong, what in (
        (~(abs(sums - 1) <= _SUM_TOLERANCE), "sum to {:.6g}, not to 1"),
        (~(values >= 0).all(-1), "have the negative entry {:.6g}"),
    ):
        if wrong.any():
            place = tuple(int(i) for i in onp.argwhere(wrong)[0])
            number = sums[place] if "sum" in what else values[place].min()
            raise ShapeError(
                f"{op}: the soft targets of sample {place[0] if len(place) == 1 else place} {what.format(number)}"
                f" ({int(wrong.sum())} of {wrong.size} do so)",
                remedy="They are probabilities of the classes: divide them by their sums, or give labels.",
            )


def check_alike(op: str, prediction: Any, target: Any, names: tuple[str, str] = ("prediction", "target")) -> None:
    """Raise unless both have the same shape, with an axis for the samples."""
    if prediction.shape != target.shape or prediction.ndim == 0:
        raise ShapeError(
            f"{op}: {names[0]} has shape {prediction.shape} but {names[1]} has shape {target.shape}",
            remedy="Both are (N, ...): (N,) beside (N, 1) would compare every sample with every other.",
        )


def check_values(op: str, one: str, values: Any, is_wrong: Callable[[Any], Any], allowed: str, remedy: str) -> None:
    """Raise if any entry of ``values`` is wrong, naming the first.

    Parameters
    ----------
    is_wrong : of an array, which entries are; the same function in every call (Note [Checks under a record])
    """
    checked(f"check {one}s", _check_values, op, one, values, is_wrong, allowed, remedy)


def _check_values(op: str, one: str, values: Any, is_wrong: Callable[[Any], Any], allowed: str, remedy: str) -> None:
    wrong = is_wrong(values)
    if wrong.any():
        place = tuple(int(i) for i in onp.argwhere(wrong)[0])
        raise ShapeError(
            f"{op}: {one} {values[place]!s} at position {place[0] if len(place) == 1 else place} is {allowed}"
            f" ({int(wrong.sum())} of {wrong.size} are)",
            remedy=remedy,
        )


def check_signs(op: str, scores: Any, signs: Any) -> Any:
    """The signs -1 and 1 in the scores' dtype; raise where one is something else."""
    check_alike(op, scores, signs, ("scores", "labels"))
    check_values(op, "label", signs, _no_sign, "neither -1 nor 1", "Convert classes 0 and 1: 2 * labels - 1.")
    return signs.astype(scores.dtype)


def _no_sign(signs: Any) -> Any:
    return (signs != 1) & (signs != -1)


def check_option(op: str, name: str, value: float, ok: bool, allowed: str) -> None:
    """Raise unless an option of a loss is in its range."""
    if not ok:
        raise UsageError(f"{op}: {name} {value} is out of range", remedy=f"Give {allowed}.")


def mean_over_features(x: Any) -> Any:
    """The mean over all axes but the first, the samples."""
    return np.mean(x, axis=tuple(range(1, x.ndim)))


def positive_part(x: Any) -> Any:
    """``max(x, 0)``, where a NaN stays one."""
    return np.where(x <= 0, 0.0, x)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))`` without overflow, and without NumPy's warning of a NaN, which stays one."""
    with onp.errstate(invalid="ignore"):
        return np.logaddexp(x, 0.0)
