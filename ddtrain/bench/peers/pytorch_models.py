"""The models of ``ddtrain.models`` as a PyTorch user writes them.

Names of parameters are the same, so that an exported checkpoint of ours loads into them.
"""

# N samples, T positions, D width, A heads
from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

torch: Any = import_module("torch") if find_spec("torch") else None
nn: Any = torch.nn if torch else None
_Base: Any = nn.Module if torch else object  # without PyTorch, object lets this file be imported, though not used


class Model(_Base):  # type: ignore[misc]
    """The base of the models here: one place at which the type checker ignores that PyTorch may be missing."""


class Mlp(Model):
    """See :class:`ddtrain.models.Mlp`, as for all classes here."""

    def __init__(self, sizes: tuple[int, ...], batch_norm: bool = False) -> None:
        super().__init__()
        layers: list[Any] = []
        for d_in, d_out in pairwise(sizes[:-1]):
            layers.append(nn.Linear(d_in, d_out, bias=not batch_norm))
            layers += [nn.BatchNorm1d(d_out)] if batch_norm else []
            layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))

    def forward(self, x: Any) -> Any:
        return self.layers(x)


class Nnlm(Model):
    """Bengio's neural language model."""

    def __init__(self, vocabulary: int, context: int, embedding: int, hidden: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, embedding)
        self.hidden = nn.Linear(context * embedding, hidden)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, context_NT: Any) -> Any:
        return self.output(torch.tanh(self.hidden(self.words(context_NT).flatten(1))))


class Attention(Model):
    """Causal self-attention."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(d, 3 * d)
        self.project = nn.Linear(d, d)

    def forward(self, x_NTD: Any) -> Any:
        n, t, d = x_NTD.shape
        q, k, v = self.qkv(x_NTD).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed_NATE = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(mixed_NATE.transpose(1, 2).reshape(n, t, d))


class TransformerBlock(Model):
    """Attention and perceptron, each added to its normalised input."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.ln1, self.attention = nn.LayerNorm(d), Attention(d, heads)
        self.ln2, self.expand, self.project = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x_NTD: Any) -> Any:
        x_NTD = x_NTD + self.attention(self.ln1(x_NTD))
        return x_NTD + self.project(nn.functional.gelu(self.expand(self.ln2(x_NTD))))


class Gpt(Model):
    """A decoder-only transformer."""

    def __init__(self, vocabulary: int, positions: int, d: int, layers: int, heads: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, d), nn.Embedding(positions, d)
        self.blocks = nn.Sequential(*[TransformerBlock(d, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocabulary, bias=False)

    def forward(self, tokens_NT: Any) -> Any:
        x_NTD = self.tokens(tokens_NT) + self.positions(torch.arange(tokens_NT.shape[1]))
        return self.head(self.norm(self.blocks(x_NTD)))


class RecurrentLm(Model):
    """A recurrent language model, of LSTMs."""

    def __init__(self, vocabulary: int, embedding: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, embedding)
        self.recurrent = nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, tokens_NT: Any) -> Any:
        return self.head(self.recurrent(self.tokens(tokens_NT))[0])
