"""What all n-gram models have in common: probabilities of tokens after contexts, and figures of a text."""

# N tokens to predict, T tokens before each, V vocabulary
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.ngrams.counts import Ids, NgramCounts
from ddtrain.errors import ShapeError

Floats = NDArray[np.float64]


class NgramModel:
    """A model of the next token by the n - 1 before it.

    Parameters
    ----------
    texts : token numbers, one array a text
    vocabulary : V, the number of tokens there are
    order : n
    """

    def __init__(self, texts: Sequence[Ids], vocabulary: int, order: int) -> None:
        self.vocabulary, self.order = vocabulary, order
        self.counts = NgramCounts(texts, vocabulary, order)

    def probability(self, contexts_NT: Ids, tokens_N: Ids) -> Floats:
        """p(token | context) of each row, (N,); over all tokens it adds up to 1.

        Parameters
        ----------
        contexts_NT : the tokens before, of which the last n - 1 count; fewer leave the higher orders out
        tokens_N : the tokens after them

        Raises
        ------
        ShapeError : they are not as many
        """
        if contexts_NT.ndim != 2 or tokens_N.shape != contexts_NT.shape[:1]:
            raise ShapeError(
                f"{type(self).__name__}: contexts {contexts_NT.shape} and tokens {tokens_N.shape} are not (N, T) "
                "and (N,)"
            )
        return self._probability(contexts_NT[:, max(0, contexts_NT.shape[1] - self.order + 1) :], tokens_N)

    def _probability(self, contexts_NT: Ids, tokens_N: Ids) -> Floats:
        raise NotImplementedError

    def cross_entropy(self, contexts_NT: Ids, tokens_N: Ids) -> float:
        """Mean negative log-likelihood of ``tokens``, each after its context, in nats."""
        with np.errstate(divide="ignore"):
            return float(-np.log(self.probability(contexts_NT, tokens_N)).mean())

    def perplexity(self, contexts_NT: Ids, tokens_N: Ids) -> float:
        """exp of the mean negative log-likelihood of ``tokens``, each after its context."""
        return float(np.exp(self.cross_entropy(contexts_NT, tokens_N)))

    def bits(self, contexts_NT: Ids, tokens_N: Ids) -> float:
        """The mean negative log-likelihood in bits a token."""
        return self.cross_entropy(contexts_NT, tokens_N) / float(np.log(2))
