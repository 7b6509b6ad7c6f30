"""Pictures of words: points of many dimensions in a plane, by PCA or t-SNE, and how much of them a picture keeps."""

# N points, D dimensions

from __future__ import annotations

from typing import Any

import numpy as np

import ddtrain.numpy as dnp
from ddtrain import optim
from examples.lectures.training import descend

Array = np.ndarray[Any, Any]


def pca(points_ND: Array) -> Array:
    """The points on the plane of their two principal components, (N, 2).

    >>> np.abs(pca(np.array([[0.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 4.0, 1.0]]))).round(6).tolist()
    [[2.0, 0.0], [0.0, 0.0], [2.0, 0.0]]
    """
    left, sizes, _ = np.linalg.svd(points_ND - points_ND.mean(axis=0), full_matrices=False)
    plane: Array = left[:, :2] * sizes[:2]
    return plane


def tsne(points_ND: Array, steps: int, neighbours: float = 20.0) -> Array:
    """The points in a plane so that near ones stay near, (N, 2): t-SNE, begun at PCA.

    Its gradient is the engine's, its optimizer Adam.

    References
    ----------
    L. van der Maaten, G. Hinton, Visualizing data using t-SNE, JMLR 9, 2008.
    """
    p_NN = _affinities(squared_distances(points_ND), neighbours)
    count, off_diagonal = len(p_NN), 1.0 - np.eye(len(p_NN))
    entropy = float(np.sum(p_NN * np.log(np.maximum(p_NN, 1e-300))))

    def divergence(flat: Any) -> Any:
        places = flat.reshape((count, 2))
        lengths = (places * places).sum(axis=1)
        squares = lengths[:, None] + lengths - 2 * (places @ places.T)
        near = off_diagonal / (1 + squares)
        return entropy + (p_NN * dnp.log(1 + squares)).sum() + dnp.log(near.sum())

    start = pca(points_ND)
    start *= 1e-2 / start[:, 0].std()
    path, _ = descend(divergence, start.ravel(), optim.Adam(lr=0.3), steps)
    places: Array = path[-1].reshape((count, 2))
    return places


def _affinities(squares_NN: Array, neighbours: float) -> Array:
    """Joint probabilities (eq. 2): Gaussians as wide as makes the entropy of each row log(neighbours)."""
    low, high = np.full(len(squares_NN), 1e-6), np.full(len(squares_NN), 1e6)  # of precisions, in a mean square
    scaled = squares_NN / squares_NN.mean()
    np.fill_diagonal(scaled, np.inf)
    scaled -= scaled.min(axis=1, keepdims=True)  # so that no row is all zeros
    for _ in range(60):  # bisection of their logarithms
        precision = np.sqrt(low * high)
        p = np.exp(-precision[:, None] * scaled)
        p /= p.sum(axis=1, keepdims=True)
        entropy = -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=1)
        wide = entropy > np.log(neighbours)
        low, high = np.where(wide, precision, low), np.where(wide, high, precision)
    joint: Array = (p + p.T) / (2 * len(p))
    return joint


def squared_distances(points_ND: Array) -> Array:
    """Between all points, (N, N).

    >>> squared_distances(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist()
    [[0.0, 25.0], [25.0, 0.0]]
    """
    lengths = np.sum(points_ND**2, axis=1)
    squares: Array = np.maximum(lengths[:, None] + lengths - 2 * (points_ND @ points_ND.T), 0.0)
    return squares


def distances_kept(points_ND: Array, places_N2: Array) -> float:
    """The correlation of all distances between points with those in the picture.

    >>> corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> round(distances_kept(corners, 3 * corners), 6)
    1.0
    """
    pairs = np.triu_indices(len(points_ND), 1)
    true, drawn = (np.sqrt(squared_distances(points)[pairs]) for points in (points_ND, places_N2))
    return float(np.corrcoef(true, drawn)[0, 1])


def neighbours_kept(points_ND: Array, places_N2: Array, count: int = 10) -> float:
    """The share of the nearest ``count`` points of each that are so in the picture, too.

    >>> line = np.arange(6.0)[:, None] ** 2
    >>> neighbours_kept(line, np.hstack([line, line]), count=2)
    1.0
    """
    true, drawn = (_nearest_places(points, count) for points in (points_ND, places_N2))
    return float(np.mean([len(set(one) & set(other)) / count for one, other in zip(true, drawn)]))


def _nearest_places(points_ND: Array, count: int) -> Array:
    squares = squared_distances(points_ND)
    np.fill_diagonal(squares, np.inf)
    order: Array = np.argsort(squares, axis=1, kind="stable")[:, :count]
    return order
