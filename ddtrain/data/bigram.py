"""The interpolated bigram model: what a neural language model has to beat.

p(w | c) = λ₂ f(w | c) + λ₁ f(w) + λ₀ / V, with relative frequencies f and weights λ that depend on how often the
context c was seen: :class:`ddtrain.data.ngrams.Interpolated` of order 2.
"""

# N tokens to predict, V vocabulary
from __future__ import annotations

from collections.abc import Sequence

from ddtrain.data.ngrams import Interpolated
from ddtrain.data.ngrams.model import Floats
from ddtrain.data.text import Ids


class Bigram:
    """An interpolated bigram model of some texts.

    Parameters
    ----------
    texts : token numbers, one array a text
    vocabulary : V, the number of tokens there are
    folds : parts that every text is cut into to fit the weights

    Attributes
    ----------
    weights : (12, 3), of the uniform, unigram and bigram estimates, for contexts seen 0, 1, 2..3, 4..7, ... times

    References
    ----------
    F. Jelinek, R. Mercer, Interpolated estimation of Markov source parameters from sparse data, 1980.

    >>> import numpy as np
    >>> model = Bigram([np.array([1, 2] * 50)], vocabulary=4)
    >>> model.probability(np.array([1, 1]), np.array([2, 3])).round(2)
    array([0.99, 0.  ])
    """

    def __init__(self, texts: Sequence[Ids], vocabulary: int, *, folds: int = 10) -> None:
        self.vocabulary = vocabulary
        self._model = Interpolated(texts, vocabulary, order=2, folds=folds)
        self.weights = self._model.weights

    def _components(self, previous: Ids, tokens: Ids) -> Floats:
        """(N, 3): uniform, unigram and bigram estimates."""
        return self._model._estimates(previous[:, None], tokens)[1]

    def probability(self, previous: Ids, tokens: Ids) -> Floats:
        """p(token | previous) of each pair, (N,); over all tokens it adds up to 1."""
        return self._model.probability(previous[:, None], tokens)

    def perplexity(self, previous: Ids, tokens: Ids) -> float:
        """exp of the mean negative log-likelihood of ``tokens``, each after its ``previous``."""
        return self._model.perplexity(previous[:, None], tokens)
