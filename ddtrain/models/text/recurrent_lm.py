"""Recurrent language models: an RNN, LSTM or GRU over tokens that predicts each one's successor."""

# N samples, S streams, T positions, E embedding, H hidden, V vocabulary
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain import nn
from ddtrain.errors import UsageError

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentLm(nn.Module):
    """Embeddings, recurrent layers, and a linear layer to the vocabulary (Mikolov et al. 2010; Graves,
    arXiv:1308.0850).

    An LSTM's forget gates begin with a bias of 1, so that it remembers before it has learned what to forget
    (Jozefowicz, Zaremba and Sutskever 2015).

    Parameters
    ----------
    vocabulary : V
    embedding, hidden : E and H
    layers : recurrent layers, each over the hidden states of the one below
    cell : "rnn", "lstm" or "gru"
    dropout : rate on the embeddings, between layers and before the output
    truncate : positions after which derivatives end, while the state goes on; None: they go through the whole sequence
    streams : S, of pieces that go on where others have ended (:class:`ddtrain.nn.CarriedState`); 0: every sequence
        begins with an empty state

    Raises
    ------
    UsageError : a cell that is none of these

    >>> model = RecurrentLm(vocabulary=7, embedding=3, hidden=5, cell="gru")
    >>> model.bind(model.init(seed=0))(np.array([[1, 2, 3, 4]])).shape
    (1, 4, 7)
    """

    def __init__(
        self,
        vocabulary: int,
        embedding: int = 64,
        hidden: int = 256,
        layers: int = 1,
        cell: str = "lstm",
        dropout: float = 0.0,
        truncate: int | None = None,
        streams: int = 0,
    ) -> None:
        if cell not in CELLS:
            raise UsageError(f"RecurrentLm: cell {cell!r} is not known", remedy=f"Choose {', '.join(CELLS)}.")
        self.tokens = nn.Embedding(vocabulary, embedding)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = CELLS[cell](embedding, hidden, layers, dropout=dropout, truncate=truncate)
        self.head = nn.Linear(hidden, vocabulary)
        self.carried = nn.CarriedState(self.recurrent, streams) if streams else None

    def init(self, seed: int = 0, dtype: DTypeLike = np.float32) -> dict[str, NDArray[Any]]:
        values = super().init(seed, dtype)
        if isinstance(self.recurrent, nn.LSTM):
            h = self.recurrent.hidden
            for layer in range(self.recurrent.layers):  # gates are i, f, g, o; both biases are added
                values[f"recurrent.bias_ih_l{layer}"][h : 2 * h] = 1
                values[f"recurrent.bias_hh_l{layer}"][h : 2 * h] = 0
        return values

    def forward(self, tokens_NT: nn.Array, streams_N: Any = None, pieces_N: Any = None) -> nn.Array:
        """Scores (N, T, V) of each token's successor.

        Parameters
        ----------
        streams_N, pieces_N : in training with ``streams``, where the sequences stand, as :class:`ddtrain.data.Streams`
            numbers them. Without, and in an evaluation, every sequence begins with an empty state
        """
        if self.carried is None or streams_N is None or not self.run.training:
            return self.read(tokens_NT)[0]
        logits_NTV, state = self.read(tokens_NT, self.carried(streams_N, pieces_N))
        self.carried.keep(streams_N, pieces_N, state)
        return logits_NTV

    def read(self, tokens_NT: nn.Array, state: Any = None) -> tuple[nn.Array, Any]:
        """Scores (N, T, V) of each token's successor after a state (None: empty), and the state after the last."""
        hidden_NTH, state = self.recurrent(self.dropout(self.tokens(tokens_NT)), state)
        return self.head(self.dropout(hidden_NTH)), state
