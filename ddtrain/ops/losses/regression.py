"""Losses of a prediction's distance from its target: its square, its size, or one turning into the other."""

# N samples

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.ops.losses.common import check_alike, check_option, mean_over_features
from ddtrain.ops.losses.protocol import Loss
from ddtrain.parts import Range, register


def squared_error(prediction: Array, target: Array) -> Array:
    """The mean over features of the squared difference, for each sample.

    ``(prediction - target)²``, least where the prediction is the target's mean.

    Parameters
    ----------
    prediction, target : (N, ...), of the same shape; all axes but the first are features

    Returns
    -------
    (N,) losses, not averaged over samples.

    Raises
    ------
    ShapeError : two shapes

    References
    ----------
    Bishop (2006), "Pattern recognition and machine learning", section 1.5.5.

    Examples
    --------
    >>> squared_error(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
    array([2.])
    """
    check_alike("squared_error", prediction, target)
    difference = prediction - target
    return mean_over_features(difference * difference)


def absolute_error(prediction: Array, target: Array) -> Array:
    """The mean over features of the absolute difference, for each sample; its derivative where they meet is 0.

    ``|prediction - target|``, least where the prediction is the target's median.

    Parameters
    ----------
    prediction, target : (N, ...), of the same shape; all axes but the first are features

    Returns
    -------
    (N,) losses, not averaged over samples.

    Raises
    ------
    ShapeError : two shapes

    References
    ----------
    Bishop (2006), "Pattern recognition and machine learning", section 1.5.5.

    Examples
    --------
    >>> absolute_error(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
    array([1.])
    """
    check_alike("absolute_error", prediction, target)
    return mean_over_features(np.abs(prediction - target))


def huber_loss(prediction: Array, target: Array, delta: float = 1.0) -> Array:
    """Half the square of small differences, and linear in large ones; the mean over features, for each sample.

    ``d² / 2`` where ``|d| <= delta``, and ``delta · (|d| - delta / 2)`` beyond.

    Parameters
    ----------
    prediction, target : (N, ...), of the same shape; all axes but the first are features
    delta : where the square turns into a line

    Returns
    -------
    (N,) losses, not averaged over samples.

    Raises
    ------
    ShapeError : two shapes
    UsageError : a ``delta`` that is not above 0

    References
    ----------
    Huber (1964), "Robust estimation of a location parameter".

    Examples
    --------
    >>> huber_loss(np.array([0.5, 3.0]), np.array([0.0, 0.0]))
    array([0.125, 2.5  ])
    """
    check_alike("huber_loss", prediction, target)
    check_option("huber_loss", "delta", delta, delta > 0, "a number above 0")
    size = np.abs(prediction - target)
    near = np.minimum(size, delta)  # so that nothing large is squared
    return mean_over_features(near * (size - 0.5 * near))


@register
@dataclass(frozen=True)
class Squared(Loss):
    """The mean squared difference over features: :func:`squared_error`.

    Examples
    --------
    >>> Squared()(np.array([3.0]), np.array([1.0]))
    array([4.])
    """

    of_labels = "one_hot"
    name: str = "squared"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return squared_error(outputs, targets)


@register
@dataclass(frozen=True)
class Absolute(Loss):
    """The mean absolute difference over features: :func:`absolute_error`.

    Examples
    --------
    >>> Absolute()(np.array([3.0]), np.array([1.0]))
    array([2.])
    """

    of_labels = "one_hot"
    name: str = "absolute"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return absolute_error(outputs, targets)


@register
@dataclass(frozen=True)
class Huber(Loss):
    """Squares of small differences, lines of large ones: :func:`huber_loss`.

    Examples
    --------
    >>> Huber(delta=2.0)(np.array([5.0]), np.array([1.0]))
    array([6.])
    """

    of_labels = "one_hot"
    name: str = "huber"
    """What is minimised."""
    delta: float = 1.0
    """Where the square turns into a line."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return huber_loss(outputs, targets, self.delta)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "delta", self.delta > 0, "a finite number above 0"
