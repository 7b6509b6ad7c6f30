"""Kullback-Leibler divergence of a model's distribution from a given one."""

# N samples (or any leading axes), K classes

from __future__ import annotations

from dataclasses import dataclass

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.ops.losses.common import check_soft
from ddtrain.ops.losses.protocol import Loss
from ddtrain.ops.softmax import log_softmax
from ddtrain.parts import register


def kl_divergence(logits: Array, targets: Array) -> Array:
    """``sum over k of t[k] · (log t[k] - log softmax(logits)[k])``, with 0 · log 0 = 0, for each sample.

    Parameters
    ----------
    logits : (N, K), unnormalised scores; logarithms of probabilities are such scores, too
    targets : (N, K), probabilities t of the classes

    Returns
    -------
    (N,) divergences in nats, not averaged: PyTorch's ``kl_div(log_softmax(logits), t)`` summed over classes. Beside
    :func:`cross_entropy` of the same targets they lack the targets' entropy, so they are 0 where both agree.

    Raises
    ------
    ShapeError : other shapes, or targets that do not sum to one

    References
    ----------
    Kullback, Leibler (1951), "On information and sufficiency".

    Examples
    --------
    >>> kl_divergence(np.zeros((2, 2)), np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([0.        , 0.69314718])
    """
    check_soft("kl_divergence", logits, targets)
    t = targets.astype(logits.dtype)
    absent = t == 0
    difference = np.log(np.where(absent, 1.0, t)) - np.where(absent, 0.0, log_softmax(logits))
    return np.sum(t * difference, axis=-1)


@register
@dataclass(frozen=True)
class KlDivergence(Loss):
    """How far the softmax of the outputs is from given probabilities: :func:`kl_divergence`.

    Examples
    --------
    >>> KlDivergence()(np.zeros((1, 2)), np.array([[1.0, 0.0]]))
    array([0.69314718])
    """

    of_labels = "one_hot"
    name: str = "kl_divergence"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        return kl_divergence(outputs, targets)
