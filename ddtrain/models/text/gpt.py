"""A small decoder-only transformer with pre-normalisation (Radford et al. 2019), over characters or words."""

# N samples, T positions, D width, V vocabulary
from __future__ import annotations

import numpy as np

from ddtrain import nn


class Block(nn.Module):
    """Causal self-attention and a two-layer perceptron, each added to its normalised input."""

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        self.ln1 = nn.LayerNorm(d)
        self.attention = nn.CausalSelfAttention(d, heads)
        self.ln2 = nn.LayerNorm(d)
        self.expand = nn.Linear(d, 4 * d)
        self.project = nn.Linear(4 * d, d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_NTD: nn.Array) -> nn.Array:
        x_NTD = x_NTD + self.dropout(self.attention(self.ln1(x_NTD)))
        return x_NTD + self.project(nn.functional.gelu(self.expand(self.ln2(x_NTD))))


class Gpt(nn.Module):
    """Token and position embeddings, transformer blocks, and a linear layer to the vocabulary.

    Parameters
    ----------
    vocabulary : V
    positions : the longest sequence
    d : width; divisible by ``heads``

    >>> model = Gpt(vocabulary=7, positions=5, d=8, layers=1, heads=2)
    >>> logits = model.bind(model.init(seed=0))(np.array([[1, 2, 3], [1, 2, 6]]))
    >>> logits.shape, np.allclose(logits[0, :2], logits[1, :2])  # a token changes no earlier prediction
    ((2, 3, 7), True)
    """

    def __init__(
        self, vocabulary: int, positions: int, d: int = 128, layers: int = 4, heads: int = 4, dropout: float = 0.0
    ) -> None:
        self.tokens = nn.Embedding(vocabulary, d, weight_init=nn.init.normal(0.02))
        self.positions = nn.Embedding(positions, d, weight_init=nn.init.normal(0.02))
        self.blocks = [Block(d, heads, dropout) for _ in range(layers)]
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocabulary, bias=False)

    def forward(self, tokens_NT: nn.Array) -> nn.Array:
        x_NTD = self.tokens(tokens_NT) + self.positions(np.arange(tokens_NT.shape[1]))
        for block in self.blocks:
            x_NTD = block(x_NTD)
        return self.head(self.norm(x_NTD))
