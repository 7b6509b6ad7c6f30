"""The encoder-decoder transformer (Vaswani et al., arXiv:1706.03762), normalised before each part."""

# N samples, S positions of the source, T of the target, D width, V vocabulary of the target
from __future__ import annotations

from ddtrain import nn
from ddtrain.models.text.masked_lm import EncoderBlock


class DecoderBlock(nn.Module):
    """Causal self-attention, attention to the encoded source, and a perceptron, each added to its normalised input."""

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        self.ln1, self.ln2, self.ln3 = (nn.LayerNorm(d) for _ in range(3))
        self.attention = nn.CausalSelfAttention(d, heads)
        self.cross_attention = nn.MultiheadAttention(d, heads)
        self.expand = nn.Linear(d, 4 * d)
        self.project = nn.Linear(4 * d, d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_NTD: nn.Array, source_NSD: nn.Array, padding_NS: nn.Array) -> nn.Array:
        x_NTD = x_NTD + self.dropout(self.attention(self.ln1(x_NTD)))
        seen = self.cross_attention(self.ln2(x_NTD), source_NSD, key_padding_mask=padding_NS)
        x_NTD = x_NTD + self.dropout(seen)
        return x_NTD + self.dropout(self.project(nn.functional.gelu(self.expand(self.ln3(x_NTD)))))


class Translator(nn.Module):
    """Scores of each next token of a target, by a source and the target's tokens so far.

    Parameters
    ----------
    source_vocabulary, vocabulary : tokens of source and target; number 0 of the source is padding, which nobody sees
    d : D, even and divisible by ``heads``
    layers : of the encoder, and of the decoder
    dropout : rate on what each part adds

    >>> import numpy as np
    >>> model = Translator(5, 7, d=8, layers=1, heads=2)
    >>> model = model.bind(model.init(seed=0))
    >>> model(np.array([[3, 1, 0]]), np.array([[1, 2]])).shape
    (1, 2, 7)
    """

    def __init__(
        self,
        source_vocabulary: int,
        vocabulary: int,
        d: int = 64,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        self.source_tokens = nn.Embedding(source_vocabulary, d, padding_idx=0, weight_init=nn.init.normal(0.1))
        self.tokens = nn.Embedding(vocabulary, d, weight_init=nn.init.normal(0.1))
        self.positions = nn.SinusoidalPositions(d)
        self.encoder = [EncoderBlock(d, heads, dropout) for _ in range(layers)]
        self.source_norm = nn.LayerNorm(d)
        self.decoder = [DecoderBlock(d, heads, dropout) for _ in range(layers)]
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocabulary)

    def encode(self, source_NS: nn.Array) -> nn.Array:
        """The source as the decoder sees it, (N, S, D)."""
        x_NSD = self.positions(self.source_tokens(source_NS))
        for block in self.encoder:
            x_NSD = block(x_NSD, source_NS == 0)
        return self.source_norm(x_NSD)

    def decode(self, source_NSD: nn.Array, padding_NS: nn.Array, tokens_NT: nn.Array) -> nn.Array:
        """Scores (N, T, V) of the token after each of the target's."""
        x_NTD = self.positions(self.tokens(tokens_NT))
        for block in self.decoder:
            x_NTD = block(x_NTD, source_NSD, padding_NS)
        return self.head(self.norm(x_NTD))

    def forward(self, source_NS: nn.Array, tokens_NT: nn.Array) -> nn.Array:
        return self.decode(self.encode(source_NS), source_NS == 0, tokens_NT)
