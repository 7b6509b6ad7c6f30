"""The state of recurrent layers from one batch to the next, where each sample goes on where another one has ended.

Note [Carried state]
A long text is trained on in pieces, several streams of it at once. The state after a piece is where the next piece of
its stream begins; derivatives end there (truncated back-propagation through time, Williams and Peng 1990). Rows of the
state are found by the number of the stream, which comes with the sample, so that nothing depends on who computes it.

With each row is kept which piece it is the state after. A piece that does not follow that one begins with an empty
state: at the beginning of a stream, and after a step that was skipped, which leaves no state.
"""

# N samples, S streams, H hidden units, L layers times directions
from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.autodiff import value_of
from ddtrain.errors import UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import buffer
from ddtrain.nn.module import Module
from ddtrain.nn.recurrent import GRU, LSTM, RNN


class CarriedState(Module):
    """The state of a recurrent layer after the latest piece of each of some streams (Note [Carried state]).

    Parameters
    ----------
    layer : whose state it is: an :class:`RNN`, :class:`GRU` or :class:`LSTM`, in one direction
    streams : S

    Attributes
    ----------
    parts : the state's arrays, (S, L, H) each: one, or of an LSTM hidden states and cells
    after : (S,) number of the piece that each is the state after; 0: of none (exact up to 2**24 in float32)

    Raises
    ------
    UsageError : the layer also goes backwards, from what is to come

    >>> from ddtrain.nn import GRU
    >>> layer = GRU(3, 4)
    >>> carried = CarriedState(layer, streams=2)
    >>> bound = carried.bind(carried.init(), training=True)
    >>> _, state = layer.bind(layer.init())(np.ones((1, 5, 3)), bound(np.array([1]), np.array([1])))
    >>> bound.keep(np.array([1]), np.array([1]), state)
    >>> bound.run.updates["after"]
    array([0., 1.], dtype=float32)
    """

    def __init__(self, layer: RNN | GRU | LSTM, streams: int) -> None:
        (streams,) = sizes("CarriedState", streams=streams)
        if len(layer.directions) > 1:
            raise UsageError(
                f"CarriedState: {type(layer).__name__} goes both ways, and backwards it begins at the end of the text",
                remedy="Give a layer with bidirectional=False.",
            )
        shape = streams, layer.layers, layer.hidden
        self.parts = [buffer(shape, init.zeros, reduce="rows") for _ in range(layer.states)]
        self.after = buffer((streams,), init.zeros, reduce="rows")

    def forward(self, streams_N: Any, pieces_N: Any) -> Any:
        """The state that some pieces begin with, as the layer takes it.

        Parameters
        ----------
        streams_N : the stream of each piece, no one twice
        pieces_N : its number in the stream, from 1: it follows the one whose number is less by one
        """
        follows_N1 = (value_of(self.after)[streams_N] == pieces_N - 1)[:, None]
        before = tuple(np.where(follows_N1, np.moveaxis(value_of(part)[streams_N], 0, 1), 0) for part in self.parts)
        return before[0] if len(before) == 1 else before

    def keep(self, streams_N: Any, pieces_N: Any, state: Any) -> None:
        """Keep the state after some pieces, as the layer has returned it; its derivatives end here."""
        states = state if isinstance(state, tuple) else (state,)
        new = {
            f"parts.{k}": _with_rows(part, streams_N, np.moveaxis(value_of(after), 1, 0))
            for k, (part, after) in enumerate(zip(self.parts, states, strict=True))
        }
        self.update(**new, after=_with_rows(self.after, streams_N, pieces_N))


def _with_rows(old: Any, rows: Any, values: Any) -> Any:
    new = value_of(old).copy()
    new[rows] = values
    return new
