"""How often words stand near each other: what vectors such as GloVe's are fitted to."""

# P pairs that occur, V vocabulary
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.text import Ids
from ddtrain.errors import UsageError


def cooccurrences(texts: Sequence[Ids], vocabulary: int, window: int = 10) -> tuple[Ids, Ids, NDArray[np.float64]]:
    """Pairs of words with their weighted counts: a word k places away counts 1 / k, on either side.

    Parameters
    ----------
    texts : token numbers in [0, V), one array a text
    vocabulary : V
    window : the farthest that counts

    Returns
    -------
    i, j and x, (P,) each, x above 0: every pair that occurs once, in both orders, by ascending i, then j.

    Raises
    ------
    UsageError : a window below 1

    References
    ----------
    Pennington, Socher, Manning (2014), "GloVe: Global Vectors for Word Representation", sections 3 and 4.2.

    >>> cooccurrences([np.array([1, 2, 3])], vocabulary=4, window=2)
    (array([1, 1, 2, 2, 3, 3]), array([2, 3, 1, 3, 1, 2]), array([1. , 0.5, 1. , 1. , 0.5, 1. ]))
    """
    if window < 1:
        raise UsageError(f"cooccurrences: window {window} is below 1", remedy="Give the farthest word that counts.")
    pairs, counts = [np.empty(0, np.int64)], [np.empty(0)]
    for k in range(1, window + 1):
        ahead = np.concatenate([np.empty(0, np.int64), *(text[:-k] * vocabulary + text[k:] for text in texts)])
        both = np.concatenate([ahead, ahead % vocabulary * vocabulary + ahead // vocabulary])
        found, times = np.unique(both, return_counts=True)
        pairs.append(found)
        counts.append(times / k)
    keys, places = np.unique(np.concatenate(pairs), return_inverse=True)
    x: NDArray[np.float64] = np.bincount(places, np.concatenate(counts), len(keys)).astype(np.float64, copy=False)
    return keys // vocabulary, keys % vocabulary, x


def nearest(vectors_VD: NDArray[np.floating], word: int, count: int = 5) -> Ids:
    """The words whose vectors have the largest cosine with that of ``word``, the nearest first, without itself.

    >>> nearest(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [2.0, 0.5]]), word=0, count=2)
    array([1, 3])
    """
    lengths = np.linalg.norm(vectors_VD, axis=1)
    cosines = vectors_VD @ vectors_VD[word] / np.maximum(lengths * lengths[word], np.finfo(vectors_VD.dtype).tiny)
    cosines[word] = -np.inf
    order: Ids = np.argsort(-cosines, kind="stable")[: min(count, len(cosines) - 1)]
    return order
