"""The interpolated bigram model: what a neural language model has to beat.

p(w | c) = λ₂ f(w | c) + λ₁ f(w) + λ₀ / V, with relative frequencies f and weights λ that depend on how often the
context c was seen. The weights are fitted by expectation-maximisation to every tenth of the text in turn, each seen
with the frequencies of the other nine (deleted interpolation).
"""

# N tokens to predict, V vocabulary, B groups of contexts
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.text import Ids, windows

Floats = NDArray[np.float64]
_GROUPS = 12  # contexts seen 0, 1, 2..3, 4..7, ..., 1024 or more times; each group shares its weights
_ROUNDS = 50  # rounds of expectation-maximisation; the fit no longer changes after about 30


class Bigram:
    """An interpolated bigram model of some texts.

    Parameters
    ----------
    texts : token numbers, one array a text
    vocabulary : V, the number of tokens there are
    folds : parts that every text is cut into to fit the weights

    References
    ----------
    F. Jelinek, R. Mercer, Interpolated estimation of Markov source parameters from sparse data, 1980.

    >>> model = Bigram([np.array([1, 2] * 50)], vocabulary=4)
    >>> model.probability(np.array([1, 1]), np.array([2, 3])).round(2)
    array([0.99, 0.  ])
    """

    def __init__(self, texts: Sequence[Ids], vocabulary: int, *, folds: int = 10) -> None:
        self.vocabulary = vocabulary
        cut = [np.array_split(text, folds) for text in texts]
        deleted = []
        for k in range(folds):
            self._count([part for parts in cut for part in (*parts[:k], *parts[k + 1 :])])
            previous, tokens = _pairs([parts[k] for parts in cut])
            deleted.append((self._groups(previous), self._components(previous, tokens)))
        self.weights = _fit(*map(np.concatenate, zip(*deleted, strict=True)))
        self._count(texts)

    def _count(self, texts: Sequence[Ids]) -> None:
        previous, tokens = _pairs(texts)
        self._pairs, self._pair_counts = np.unique(previous * self.vocabulary + tokens, return_counts=True)
        self._contexts = np.bincount(previous, minlength=self.vocabulary)
        self._unigram = np.bincount(np.concatenate([*texts, np.empty(0, np.int64)]), minlength=self.vocabulary)

    def _components(self, previous: Ids, tokens: Ids) -> Floats:
        """(N, 3): uniform, unigram and bigram estimates."""
        pairs = previous * self.vocabulary + tokens
        at = np.minimum(np.searchsorted(self._pairs, pairs), max(len(self._pairs) - 1, 0))
        counts = np.where(self._pairs[at] == pairs, self._pair_counts[at], 0) if len(self._pairs) else 0 * pairs
        uniform = np.full(len(pairs), 1.0 / self.vocabulary)
        unigram = self._unigram[tokens] / max(self._unigram.sum(), 1)
        return np.stack([uniform, unigram, counts / np.maximum(self._contexts[previous], 1)], axis=1)

    def _groups(self, previous: Ids) -> Ids:
        groups: Ids = np.minimum(np.frexp(self._contexts[previous])[1], _GROUPS - 1)
        return groups

    def probability(self, previous: Ids, tokens: Ids) -> Floats:
        """p(token | previous) of each pair, (N,); over all tokens it adds up to 1."""
        estimates: Floats = self.weights[self._groups(previous)] * self._components(previous, tokens)
        return np.asarray(estimates.sum(axis=1))

    def perplexity(self, previous: Ids, tokens: Ids) -> float:
        """exp of the mean negative log-likelihood of ``tokens``, each after its ``previous``."""
        return float(np.exp(-np.log(self.probability(previous, tokens)).mean()))


def _fit(groups: Ids, parts: Floats) -> Floats:
    """Weights (B, 3) that make the text likeliest, given each pair's group (N,) and estimates (N, 3)."""
    weights = np.full((_GROUPS, 3), 1.0 / 3.0)
    for _ in range(_ROUNDS):
        shares = weights[groups] * parts
        shares /= shares.sum(axis=1, keepdims=True)
        # One imaginary pair in each group keeps the uniform part above zero: an unseen word is never impossible.
        totals = 1.0 / 3.0 + np.stack([np.bincount(groups, share, _GROUPS) for share in shares.T], axis=1)
        weights = totals / totals.sum(axis=1, keepdims=True)
    # a context that was never seen has no bigrams to weigh
    weights[0] = [weights[0, 0] + weights[0, 2], weights[0, 1], 0.0]
    return weights


def _pairs(texts: Sequence[Ids]) -> tuple[Ids, Ids]:
    previous, tokens = windows(texts, 1)
    return previous[:, 0], tokens
