"""The logistic loss of labels -1 and 1."""

# N samples

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.autodiff import Array
from ddtrain.ops.losses.common import check_signs, mean_over_features, softplus
from ddtrain.ops.losses.protocol import Loss
from ddtrain.parts import register


def logistic_loss(scores: Array, signs: Array) -> Array:
    """``log(1 + exp(-y · s))`` of scores s and labels y of -1 and 1, without overflow; the mean over features.

    Parameters
    ----------
    scores : (N, ...), any real numbers
    signs : of the same shape, -1 and 1

    Returns
    -------
    (N,) losses in nats, not averaged over samples: PyTorch's ``soft_margin_loss``.

    Raises
    ------
    ShapeError : other shapes, or a label that is neither -1 nor 1, naming its position

    Examples
    --------
    >>> import numpy as np
    >>> logistic_loss(np.array([0.0, -1000.0]), np.array([1, 1]))
    array([6.93147181e-01, 1.00000000e+03])
    """
    y = check_signs("logistic_loss", scores, signs)
    return mean_over_features(softplus(-y * scores))


@register
@dataclass(frozen=True)
class Logistic(Loss):
    """Labels -1 and 1, from scores: :func:`logistic_loss`.

    Examples
    --------
    >>> import numpy as np
    >>> Logistic()(np.array([0.0]), np.array([-1]))
    array([0.69314718])
    """

    of_labels = "signs"
    name: str = "logistic"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return logistic_loss(outputs, targets)
