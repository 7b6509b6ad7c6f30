"""Binary cross-entropy from logits: independent yes-or-no answers."""

# N samples

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ddtrain.autodiff import Array
from ddtrain.ops.losses.common import check_alike, check_option, check_values, mean_over_features, softplus
from ddtrain.ops.losses.protocol import Loss
from ddtrain.parts import Range, register


def binary_cross_entropy_with_logits(logits: Array, targets: Array, pos_weight: float = 1.0) -> Array:
    """Negative log-likelihood of yes-or-no targets, from unnormalised scores; the mean over features.

    ``(1 - t) · x + (1 + (pos_weight - 1) · t) · log(1 + exp(-x))``, computed without overflow.

    Parameters
    ----------
    logits : (N, ...), any real numbers
    targets : of the same shape: 0 and 1, booleans, or probabilities
    pos_weight : factor of the positive part, e.g. negatives / positives for balance

    Returns
    -------
    (N,) losses in nats, not averaged over samples.

    Raises
    ------
    ShapeError : other shapes, or a target outside [0, 1], naming its position
    UsageError : a negative ``pos_weight``

    References
    ----------
    Bishop (2006), "Pattern recognition and machine learning", section 4.3.2.

    Examples
    --------
    >>> import numpy as np
    >>> binary_cross_entropy_with_logits(np.array([0.0, 1000.0]), np.array([1, 0]))
    array([6.93147181e-01, 1.00000000e+03])
    """
    op = "binary_cross_entropy_with_logits"
    check_alike(op, logits, targets, ("logits", "targets"))
    check_option(op, "pos_weight", pos_weight, pos_weight >= 0, "a number, 0 or more")
    check_values(op, "target", targets, _outside, "outside [0, 1]", "Targets are probabilities, or 0 and 1.")
    t = targets.astype(logits.dtype)
    positive = 1.0 if pos_weight == 1 else 1.0 + (pos_weight - 1.0) * t
    return mean_over_features((1.0 - t) * logits + positive * softplus(-logits))


def _outside(targets: Any) -> Any:
    return ~((targets >= 0) & (targets <= 1))


@register
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Yes-or-no targets, 0 and 1, from logits: :func:`binary_cross_entropy_with_logits`.

    Examples
    --------
    >>> import numpy as np
    >>> BinaryCrossEntropy()(np.array([0.0]), np.array([1]))
    array([0.69314718])
    """

    of_labels = "one_hot"
    name: str = "binary_cross_entropy"
    """What is minimised."""
    pos_weight: float = 1.0
    """Factor of the loss where the target is 1."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return binary_cross_entropy_with_logits(outputs, targets, self.pos_weight)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "pos_weight", self.pos_weight >= 0, "a finite number, 0 or more"
