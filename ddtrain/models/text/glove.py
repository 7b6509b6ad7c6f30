"""Global vectors for words: GloVe (Pennington, Socher & Manning 2014)."""

# N pairs of words, V vocabulary, D width
from __future__ import annotations

from ddtrain import nn


class Glove(nn.Module):
    """``w_i · c_j + b_i + d_j``, which is to be the logarithm of how often words i and j stand near each other (eq. 7).

    Parameters
    ----------
    vocabulary : V
    d : D

    Attributes
    ----------
    words, contexts : embeddings (V, D); a word's vector is the sum of its two
    word_bias, context_bias : embeddings (V, 1)

    >>> import numpy as np
    >>> model = Glove(vocabulary=5, d=3)
    >>> model.bind(model.init(seed=0))(np.array([0, 4]), np.array([1, 2])).shape
    (2,)
    """

    def __init__(self, vocabulary: int, d: int) -> None:
        small = nn.init.Uniform(bound=0.5 / d)  # as in its authors' program
        self.words, self.contexts = (nn.Embedding(vocabulary, d, weight_init=small) for _ in range(2))
        self.word_bias, self.context_bias = (nn.Embedding(vocabulary, 1, weight_init=small) for _ in range(2))

    def forward(self, i_N: nn.Array, j_N: nn.Array) -> nn.Array:
        products = (self.words(i_N) * self.contexts(j_N)).sum(axis=1)
        return products + self.word_bias(i_N)[:, 0] + self.context_bias(j_N)[:, 0]

    def vectors(self) -> nn.Array:
        """The vector of every word, (V, D), when bound."""
        return self.words.weight + self.contexts.weight
