"""The neural probabilistic language model of Bengio, Ducharme, Vincent & Jauvin (JMLR 3, 2003)."""

# N samples, T context words, E embedding, H hidden, V vocabulary
from __future__ import annotations

from ddtrain import nn


class Nnlm(nn.Module):
    """Predicts a word from the ones before it: y = b + W·e + U·tanh(d + H·e), e the context's embeddings (eq. 1).

    Parameters
    ----------
    vocabulary : V
    context : T words before the predicted one
    embedding, hidden : E and H
    direct : whether the embeddings also reach the output directly (W)
    dropout : rate on the hidden layer

    >>> import numpy as np
    >>> model = Nnlm(vocabulary=50, context=3, embedding=8, hidden=16)
    >>> model.bind(model.init(seed=0))(np.zeros((2, 3), np.int64)).shape
    (2, 50)
    """

    def __init__(
        self, vocabulary: int, context: int, embedding: int, hidden: int, direct: bool = False, dropout: float = 0.0
    ) -> None:
        self.words = nn.Embedding(vocabulary, embedding, weight_init=nn.init.normal(0.1))
        self.hidden = nn.Linear(context * embedding, hidden, weight_init=nn.init.glorot_uniform)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, vocabulary)
        self.direct = nn.Linear(context * embedding, vocabulary, bias=False) if direct else None
        self.width = context * embedding

    def forward(self, context_NT: nn.Array) -> nn.Array:
        e = self.words(context_NT).reshape((len(context_NT), self.width))
        logits_NV = self.output(self.dropout(nn.functional.tanh(self.hidden(e))))
        return logits_NV if self.direct is None else logits_NV + self.direct(e)
