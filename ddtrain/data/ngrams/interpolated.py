"""Interpolated n-grams: a mixture of the relative frequencies of all orders.

p(w | c) = Σ λ_k f(w | last k - 1 tokens of c) + λ₀ / V, with weights λ that depend on the longest context that was seen
and on how often. The weights are fitted by expectation-maximisation to every tenth of the text in turn, each seen with
the frequencies of the other nine (deleted interpolation).
"""

# N tokens to predict, V vocabulary, B groups of contexts, C components: the uniform one, then orders 1 to n
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddtrain.data.ngrams.counts import Ids, NgramCounts, at_places
from ddtrain.data.ngrams.model import Floats, NgramModel
from ddtrain.data.text import windows

_COUNTS = 11  # contexts seen 1, 2..3, 4..7, ..., 1024 or more times; each group shares its weights
_ROUNDS = 50  # rounds of expectation-maximisation; the fit no longer changes after about 30


class Interpolated(NgramModel):
    """An interpolated n-gram model of some texts.

    Parameters
    ----------
    texts : token numbers, one array a text
    vocabulary : V, the number of tokens there are
    order : n
    folds : parts that every text is cut into to fit the weights

    Attributes
    ----------
    weights : (B, C); group 0 is of unseen contexts, then eleven by count for contexts of 1, ..., n - 1 tokens

    References
    ----------
    F. Jelinek, R. Mercer, Interpolated estimation of Markov source parameters from sparse data, 1980.

    >>> model = Interpolated([np.array([1, 1, 2] * 50)], vocabulary=4, order=3)
    >>> model.probability(np.array([[1, 1], [2, 1]]), np.array([2, 2])).round(2)
    array([0.99, 0.  ])
    """

    def __init__(self, texts: Sequence[Ids], vocabulary: int, order: int, *, folds: int = 10) -> None:
        super().__init__(texts, vocabulary, order)
        cut = [np.array_split(text, folds) for text in texts]
        deleted = []
        for k in range(folds):
            self._count([part for parts in cut for part in (*parts[:k], *parts[k + 1 :])])
            held_out = [parts[k] for parts in cut]
            contexts, tokens = windows(held_out, order - 1) if order > 1 else _alone(held_out)
            deleted.append(self._estimates(contexts, tokens))
        of_token, estimates = zip(*deleted, strict=True)
        self.weights = _fit(1 + (order - 1) * _COUNTS, np.concatenate(of_token), np.concatenate(estimates))
        self._count(texts)

    def _count(self, texts: Sequence[Ids]) -> None:
        self.counts = NgramCounts(texts, self.vocabulary, self.order)
        orders = range(1, self.order + 1)
        self._totals = [self.counts.followed(n, self.counts.orders[n].counts) for n in orders]

    def _estimates(self, contexts_NT: Ids, tokens_N: Ids) -> tuple[Ids, Floats]:
        """The group of each context, (N,), and the uniform estimate and those of all orders, (N, C)."""
        groups = np.zeros(len(tokens_N), np.int64)
        parts = np.zeros((len(tokens_N), self.order + 1))
        parts[:, 0] = 1.0 / self.vocabulary
        longest = contexts_NT.shape[1]
        for n in range(1, longest + 2):
            contexts = self.counts.find(contexts_NT[:, longest - n + 1 :])
            totals = at_places(self._totals[n - 1], contexts)
            counts = at_places(self.counts.orders[n].counts, self.counts.extend(n, contexts, tokens_N))
            # without any text the frequency of single tokens is not known, and all are alike
            parts[:, n] = np.where((n == 1) & (totals == 0), parts[:, 0], counts / np.maximum(totals, 1))
            if n > 1:  # a longer context was seen at most as often as what it ends with
                by_count = np.minimum(np.frexp(totals)[1], _COUNTS)
                groups = np.where(totals > 0, (n - 2) * _COUNTS + by_count, groups)
        return groups, parts

    def _probability(self, contexts_NT: Ids, tokens_N: Ids) -> Floats:
        groups, parts = self._estimates(contexts_NT, tokens_N)
        estimates: Floats = self.weights[groups] * parts
        return np.asarray(estimates.sum(axis=1))


def _fit(groups: int, of_token: Ids, parts: Floats) -> Floats:
    """Weights (B, C) that make the text likeliest, given each token's group (N,) and estimates (N, C)."""
    components = parts.shape[1]
    weights = np.full((groups, components), 1.0 / components)
    for _ in range(_ROUNDS):
        shares = weights[of_token] * parts
        shares /= shares.sum(axis=1, keepdims=True)
        # One imaginary token in each group keeps the uniform part above zero: an unseen token is never impossible.
        sums = [np.bincount(of_token, share, groups) for share in shares.T]
        totals = 1.0 / components + np.stack(sums, axis=1)
        weights = totals / totals.sum(axis=1, keepdims=True)
    # where the longest context that was seen has k tokens, there are no frequencies beyond order k + 1 to weigh
    for group, row in enumerate(weights):
        beyond = 2 + (group + _COUNTS - 1) // _COUNTS
        row[0] += row[beyond:].sum()
        row[beyond:] = 0.0
    return weights


def _alone(texts: Sequence[Ids]) -> tuple[Ids, Ids]:
    """All tokens, each after an empty context."""
    tokens = np.concatenate([np.empty(0, np.int64), *texts])
    return np.empty((len(tokens), 0), np.int64), tokens
