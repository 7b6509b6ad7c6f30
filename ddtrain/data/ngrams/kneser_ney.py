"""Interpolated Kneser–Ney smoothing: a discount of every count goes to a lower order, which counts contexts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddtrain.data.ngrams.counts import Ids, at_places
from ddtrain.data.ngrams.model import Floats, NgramModel
from ddtrain.errors import UsageError


class KneserNey(NgramModel):
    """The highest order discounts what was seen, the lower ones ask after how many different tokens a word stands.

    ``p_n(w | c) = max(a(c w) - D, 0) / a(c •) + D · N1+(c •) / a(c •) · p_{n-1}(w | c')``, where a is the count in the
    highest order and below it the number of different tokens before ``c w``; N1+(c •) is the number of different tokens
    w with a(c w) > 0, and c' is c without its first token. Below order 1 stands 1 / V; a context with ``a(c •) = 0``
    leaves everything to the order below.

    Parameters
    ----------
    texts, vocabulary, order : as in :class:`NgramModel`
    discount : D in [0, 1] of all orders; None: for each n1 / (n1 + 2 n2), of the numbers of n-grams with a = 1 and 2,
        but at least 0.1 and at most 0.9, so that nothing is impossible and no count worthless

    Attributes
    ----------
    discounts : D of each order, the lowest first

    Raises
    ------
    UsageError : a discount outside of [0, 1]

    References
    ----------
    R. Kneser, H. Ney, Improved backing-off for m-gram language modeling, 1995; the interpolated form is Chen and
    Goodman's (1999), section 3, where each order has one discount.

    >>> model = KneserNey([np.array([1, 2, 1, 3])], vocabulary=4, order=2, discount=0.5)
    >>> model.probability(np.array([[1], [1]]), np.array([2, 0]))
    array([0.39583333, 0.0625    ])
    """

    def __init__(self, texts: Sequence[Ids], vocabulary: int, order: int, discount: float | None = None) -> None:
        if discount is not None and not 0 <= discount <= 1:
            raise UsageError(f"KneserNey: discount {discount} is not in [0, 1]", remedy="Leave it out to estimate it.")
        super().__init__(texts, vocabulary, order)
        self.discounts: list[float] = []
        self._adjusted: list[Ids] = []  # a, by order
        self._totals: list[Ids] = []  # a(c •), by the order of c w
        self._kinds: list[Ids] = []  # N1+(c •)
        for n in range(1, order + 1):
            grams = self.counts.orders[n]
            adjusted = grams.counts if n == order else grams.preceded
            self._adjusted.append(adjusted)
            self._totals.append(self.counts.followed(n, adjusted))
            self._kinds.append(self.counts.followed(n, (adjusted > 0).astype(np.int64)))
            self.discounts.append(_estimated(adjusted) if discount is None else discount)

    def _probability(self, contexts_NT: Ids, tokens_N: Ids) -> Floats:
        p = np.full(len(tokens_N), 1.0 / self.vocabulary)
        longest = contexts_NT.shape[1]
        for n in range(1, longest + 2):
            contexts = self.counts.find(contexts_NT[:, longest - n + 1 :])
            adjusted = at_places(self._adjusted[n - 1], self.counts.extend(n, contexts, tokens_N))
            totals = at_places(self._totals[n - 1], contexts)
            kinds = at_places(self._kinds[n - 1], contexts)
            discount, whole = self.discounts[n - 1], np.maximum(totals, 1)
            mixed = np.maximum(adjusted - discount, 0) / whole + discount * kinds / whole * p
            p = np.where(totals > 0, mixed, p)
        return p


def _estimated(adjusted: Ids) -> float:
    once, twice = (int((adjusted == k).sum()) for k in (1, 2))
    return min(max(once / max(once + 2 * twice, 1), 0.1), 0.9)
