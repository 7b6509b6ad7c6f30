"""Any loss as a classifier's: labels become the targets that it compares scores with."""

# N samples (or any leading axes), K classes

from __future__ import annotations

from ddtrain.autodiff import Array
from ddtrain.errors import UsageError
from ddtrain.ops.losses.common import check_labels, is_soft, one_hot
from ddtrain.ops.losses.protocol import Loss


def classifier_losses() -> list[str]:
    """The names of the losses that :func:`classifier_loss` takes.

    >>> classifier_losses()[0], "squared" in classifier_losses(), "triplet" in classifier_losses()
    ('cross_entropy', True, False)
    """
    return [name for name, part in Loss.parts.items() if part.of_labels]


def check_classifier_loss(loss: Loss) -> None:
    """Raise UsageError unless the loss compares one output with one target."""
    if not loss.of_labels:
        raise UsageError(
            f"--loss.name {loss.name} compares several outputs, and a classifier has one",
            remedy=f"Give {', '.join(classifier_losses())}.",
        )


def classifier_loss(loss: Loss, scores: Array, targets: Array) -> Array:
    """The loss of scores of K classes, one value a sample, (N,), whatever targets the loss is made for.

    Parameters
    ----------
    loss : one of labels takes them as they are; one of numbers or probabilities is given 1 for the right class and 0
        for the others; one of signs 1 and -1, each class against the rest
    scores : (N, K)
    targets : labels (N,), integer classes in [0, K); or soft targets (N, K), which signs cannot stand for

    Raises
    ------
    UsageError : the loss does not compare one output with one target
    ShapeError : a label outside [0, K), or targets of another shape

    References
    ----------
    Rifkin, Klautau (2004), "In defense of one-vs-all classification", JMLR 5.

    >>> import numpy as onp
    >>> from ddtrain.ops.losses import Squared
    >>> classifier_loss(Squared(), onp.array([[0.0, 0.5]]), onp.array([1]))
    array([0.125])
    """
    check_classifier_loss(loss)
    if loss.of_labels == "label" or (loss.of_labels == "one_hot" and is_soft(scores, targets)):
        return loss(scores, targets)
    check_labels(loss.name, scores, targets)
    one_hot_NK = one_hot(targets, scores.shape[-1], scores.dtype)
    return loss(scores, one_hot_NK if loss.of_labels == "one_hot" else 2 * one_hot_NK - 1)
