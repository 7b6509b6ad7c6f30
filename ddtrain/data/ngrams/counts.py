"""How often every n-gram of some texts occurs, for all orders up to one.

An n-gram is found by its place among those of its order: the place of its first n - 1 tokens, times the vocabulary,
plus its last token, looked up in a sorted table. So no order is too high for a number of 64 bits.
"""

# N n-grams looked up, V vocabulary, G different n-grams of an order, M tokens of all texts
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import UsageError

Ids = NDArray[np.int64]


class Grams(NamedTuple):
    """The different n-grams of one order.

    Attributes
    ----------
    keys : (G,), ascending: the place of the first n - 1 tokens in the order below, times V, plus the last token
    counts : (G,), how often each occurs
    preceded : (G,), by how many different tokens each is preceded: N1+(• w), of the highest order zeros
    """

    keys: Ids
    counts: Ids
    preceded: Ids


class NgramCounts:
    """Counts of the n-grams of orders 1 to ``order``; none crosses from one text into another.

    Parameters
    ----------
    texts : token numbers in [0, V), one array a text
    vocabulary : V
    order : the longest n-gram's number of tokens

    Raises
    ------
    UsageError : an order below 1, or a token outside of the vocabulary

    >>> counts = NgramCounts([np.array([1, 2, 1, 2, 1])], vocabulary=3, order=2)
    >>> counts.orders[1].counts, counts.orders[2].counts  # of 1 and 2; of (1, 2) and (2, 1)
    (array([3, 2]), array([2, 2]))
    """

    def __init__(self, texts: Sequence[Ids], vocabulary: int, order: int) -> None:
        if order < 1:
            raise UsageError(f"n-grams: order {order} is below 1", remedy="Give 1 for single tokens, 2 for pairs.")
        tokens = np.concatenate([np.empty(0, np.int64), *texts])
        if len(tokens) and not (tokens.min() >= 0 and tokens.max() < vocabulary):
            raise UsageError(
                f"n-grams: tokens {tokens.min()} to {tokens.max()} are not all in [0, {vocabulary})",
                remedy="Give the size of the vocabulary that numbered them.",
            )
        self.vocabulary, self.order = vocabulary, order
        left = np.concatenate([np.empty(0, np.int64), *(np.arange(len(text)) for text in texts)])
        ending = np.zeros(len(tokens) + 1, np.int64)  # place of the n-gram that ends before each token; of order 0: 0
        self.orders = [Grams(np.zeros(1, np.int64), np.array([len(tokens)]), np.zeros(1, np.int64))]
        at = np.arange(len(tokens))  # where an n-gram of the present order ends
        for n in range(1, order + 1):
            at = at[left[at] >= n - 1]
            keys, first, places, counts = np.unique(
                ending[at] * vocabulary + tokens[at], return_index=True, return_inverse=True, return_counts=True
            )
            if n > 1:  # each different n-gram is one more way to precede its last n - 1 tokens
                below = self.orders[-1]
                preceded = np.bincount(ending[at[first] + 1], minlength=len(below.keys))
                self.orders[-1] = below._replace(preceded=preceded)
            self.orders.append(Grams(keys, counts, np.zeros_like(counts)))
            ending = np.full(len(tokens) + 1, -1, np.int64)
            ending[at + 1] = places

    def find(self, tokens_NT: Ids) -> Ids:
        """The place of each row among the n-grams of its length, (N,); -1 for one that does not occur.

        >>> NgramCounts([np.array([1, 2, 1])], vocabulary=3, order=2).find(np.array([[2, 1], [2, 2]]))
        array([ 1, -1])
        """
        places = np.zeros(len(tokens_NT), np.int64)
        for n, column in enumerate(tokens_NT.T, start=1):
            places = self.extend(n, places, column)
        return places

    def extend(self, n: int, places: Ids, tokens: Ids) -> Ids:
        """The place among the n-grams of order n of each of order n - 1 with a token after it; -1 if there is none."""
        keys = self.orders[n].keys
        if not len(keys):
            return np.full(len(tokens), -1, np.int64)
        wanted = places * self.vocabulary + tokens
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((keys[at] == wanted) & (places >= 0), at, -1)

    def parents(self, n: int) -> Ids:
        """The place of the first n - 1 tokens of every n-gram of order n, (G,)."""
        parents: Ids = self.orders[n].keys // self.vocabulary
        return parents

    def followed(self, n: int, values: Ids) -> Ids:
        """Sums over the n-grams of order n by their first n - 1 tokens: one number for each of order n - 1."""
        sums = np.bincount(self.parents(n), weights=values, minlength=len(self.orders[n - 1].keys))
        return sums.astype(np.int64)  # exact: far below 2^53


def at_places(values: Ids, places: Ids) -> Ids:
    """``values[places]``, and 0 where a place is -1.

    >>> at_places(np.array([5, 6]), np.array([1, -1]))
    array([6, 0])
    """
    if not len(values):
        return np.zeros(len(places), np.int64)
    return np.where(places >= 0, values[places], 0)
