"""Losses of distances between embeddings: pairs that are alike or not, and triplets."""

# N samples, D entries of an embedding

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError, kind_of
from ddtrain.ops.losses.common import check_alike, check_option, check_values, positive_part
from ddtrain.ops.losses.protocol import MarginLoss
from ddtrain.ops.stop_gradient import stop_gradient
from ddtrain.parts import register


def _neither(same: Any) -> Any:
    return (same != 0) & (same != 1)


def _square(a: Any, b: Any) -> Any:
    """The squared Euclidean distance of each sample of ``a`` from that of ``b``."""
    difference = a - b
    return np.sum(difference * difference, axis=tuple(range(1, difference.ndim)))


def _root(square_N: Any) -> Any:
    """The distance of its square, with the derivative 0 where two points meet, and not infinity."""
    apart = square_N != 0
    return np.where(apart, np.sqrt(np.where(apart, square_N, 1.0)), 0.0)


def contrastive_loss(a: Array, b: Array, same: Array, margin: float = 1.0) -> Array:
    """``d² / 2`` of pairs that are alike, ``max(0, margin - d)² / 2`` of others, with d their Euclidean distance.

    Parameters
    ----------
    a, b : (N, D), the embeddings of each pair
    same : (N,), 1 or true where a pair is alike, else 0 (in the paper, Y = 1 - same)
    margin : how far apart pairs that are not alike must be to cost nothing

    Returns
    -------
    (N,) losses, not averaged.

    Raises
    ------
    ShapeError : other shapes, or an entry of ``same`` that is neither 0 nor 1
    UsageError : a ``margin`` that is not above 0

    References
    ----------
    Hadsell, Chopra, LeCun (2006), "Dimensionality reduction by learning an invariant mapping", equation 4.

    Examples
    --------
    >>> a, b = np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([[0.3, 0.4], [0.3, 0.4]])
    >>> contrastive_loss(a, b, np.array([1, 0]))
    array([0.125, 0.125])
    """
    check_alike("contrastive_loss", a, b, ("a", "b"))
    check_option("contrastive_loss", "margin", margin, margin > 0, "a number above 0")
    if same.shape != a.shape[:1]:
        raise ShapeError(
            f"contrastive_loss: {a.shape[0]} pairs but same has shape {same.shape}", remedy="Give one number a pair."
        )
    check_values("contrastive_loss", "label", same, _neither, "neither 0 nor 1", "1 says that a pair is alike.")
    square = _square(a, b)
    short = positive_part(margin - _root(square))
    return 0.5 * np.where(stop_gradient(same) == 1, square, short * short)


def triplet_loss(anchor: Array, positive: Array, negative: Array, margin: float = 1.0) -> Array:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` with d the Euclidean distance.

    Parameters
    ----------
    anchor, positive, negative : (N, D), embeddings; the second is to be nearer to the first than the third is
    margin : by how much nearer, to cost nothing

    Returns
    -------
    (N,) losses, not averaged: PyTorch's ``triplet_margin_loss`` with ``eps=0``.

    Raises
    ------
    ShapeError : other shapes
    UsageError : a ``margin`` that is not above 0

    References
    ----------
    Schroff, Kalenichenko, Philbin (2015), "FaceNet", arXiv:1503.03832, who square the distances.

    Examples
    --------
    >>> triplet_loss(np.array([[0.0]]), np.array([[1.0]]), np.array([[-1.5]]))
    array([0.5])
    """
    check_alike("triplet_loss", anchor, positive, ("anchor", "positive"))
    check_alike("triplet_loss", anchor, negative, ("anchor", "negative"))
    check_option("triplet_loss", "margin", margin, margin > 0, "a number above 0")
    return positive_part(_root(_square(anchor, positive)) - _root(_square(anchor, negative)) + margin)


def _parts_of(op: str, outputs: Any, names: Sequence[str]) -> Sequence[Any]:
    if isinstance(outputs, tuple | list) and len(outputs) == len(names):
        return outputs
    found = f"{len(outputs)} of them" if isinstance(outputs, tuple | list) else kind_of(outputs)
    raise ShapeError(
        f"{op}: outputs are {found} where {len(names)} embeddings are wanted",
        remedy=f"Give ({', '.join(names)}).",
    )


@register
@dataclass(frozen=True)
class Contrastive(MarginLoss):
    """Pairs of embeddings that are alike or not: :func:`contrastive_loss`; the outputs are (a, b).

    Examples
    --------
    >>> Contrastive()((np.array([[0.0]]), np.array([[0.5]])), np.array([0]))
    array([0.125])
    """

    of_labels = None
    name: str = "contrastive"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        a, b = _parts_of("contrastive", outputs, ("a", "b"))
        return contrastive_loss(a, b, targets, self.margin)


@register
@dataclass(frozen=True)
class Triplet(MarginLoss):
    """Anchor, positive and negative embeddings: :func:`triplet_loss`; the outputs are those three, without targets.

    Examples
    --------
    >>> Triplet()((np.array([[0.0]]), np.array([[1.0]]), np.array([[-1.5]])))
    array([0.5])
    """

    of_labels = None
    name: str = "triplet"
    """What is minimised."""

    def __call__(self, outputs: Array, targets: Array = None) -> Array:
        if targets is not None:
            raise ShapeError("triplet: there are no targets beside the three embeddings", remedy="Leave them out.")
        anchor, positive, negative = _parts_of("triplet", outputs, ("anchor", "positive", "negative"))
        return triplet_loss(anchor, positive, negative, self.margin)
