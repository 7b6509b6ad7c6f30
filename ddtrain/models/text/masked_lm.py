"""A transformer encoder that fills gaps in a text, after BERT (Devlin et al., arXiv:1810.04805)."""

# N samples, T positions, D width, V vocabulary
from __future__ import annotations

import numpy as np

from ddtrain import nn


class EncoderBlock(nn.Module):
    """Self-attention in both directions and a two-layer perceptron, each added to its normalised input."""

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        self.ln1 = nn.LayerNorm(d)
        self.attention = nn.MultiheadAttention(d, heads)
        self.ln2 = nn.LayerNorm(d)
        self.expand = nn.Linear(d, 4 * d)
        self.project = nn.Linear(4 * d, d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_NTD: nn.Array, padding_NT: nn.Array = None) -> nn.Array:
        """``padding_NT``: true where a position is padding that nobody may see."""
        x_NTD = x_NTD + self.dropout(self.attention(self.ln1(x_NTD), key_padding_mask=padding_NT))
        return x_NTD + self.dropout(self.project(nn.functional.gelu(self.expand(self.ln2(x_NTD)))))


class MaskedLm(nn.Module):
    """Embeddings with learned positions, encoder blocks, and a score of every token at every position.

    The output layer is the embedding itself, with a bias for each token.

    Parameters
    ----------
    vocabulary : V, the token of a gap included
    positions : the longest sequence
    d : D, divisible by ``heads``

    >>> model = MaskedLm(vocabulary=7, positions=5, d=8, layers=1, heads=2)
    >>> logits = model.bind(model.init(seed=0))(np.array([[1, 2, 3], [1, 2, 6]]))
    >>> logits.shape, np.allclose(logits[0, 0], logits[1, 0])  # a token changes predictions before it, too
    ((2, 3, 7), False)
    """

    def __init__(
        self, vocabulary: int, positions: int, d: int = 128, layers: int = 2, heads: int = 4, dropout: float = 0.0
    ) -> None:
        self.tokens = nn.Embedding(vocabulary, d, weight_init=nn.init.normal(0.02))
        self.positions = nn.LearnedPositions(positions, d)
        self.dropout = nn.Dropout(dropout)
        self.blocks = [EncoderBlock(d, heads, dropout) for _ in range(layers)]
        self.norm = nn.LayerNorm(d)
        self.head = nn.TiedLinear(self.tokens, bias=True)

    def forward(self, tokens_NT: nn.Array, at_NM: nn.Array = None) -> nn.Array:
        """Scores (N, T, V) of every token at every position, or (N, M, V) at some: the scores are half of the work.

        Parameters
        ----------
        tokens_NT : the tokens, gaps among them
        at_NM : of each sample the positions that are asked for; None: all
        """
        x_NTD = self.dropout(self.positions(self.tokens(tokens_NT)))
        for block in self.blocks:
            x_NTD = block(x_NTD)
        asked = x_NTD if at_NM is None else x_NTD[np.arange(len(at_NM))[:, None], at_NM]
        return self.head(self.norm(asked))
