"""Recurrent layers over (N, T, C) sequences: RNN, GRU and LSTM, stacked, in one direction or both.

Names, gate order, initial values and numbers are PyTorch's with ``batch_first=True``: a state dict of one is a state
dict of the other. The inputs' part of all gates is one product for all positions; only the hidden state's goes by
position (``ops/recurrent/``).
"""

# N batch, T positions, C inputs, H hidden units, L layers times directions
from __future__ import annotations

from typing import Any, ClassVar

import numpy as onp

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import number, sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.layers.dropout import Dropout
from ddtrain.nn.module import Module


class _Recurrent(Module):
    """What the three have in common: parameters by layer and direction, stacking, and the state between calls."""

    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1  # arrays that a state consists of

    def __init__(
        self,
        d_in: int,
        hidden: int,
        layers: int = 1,
        bias: bool = True,
        bidirectional: bool = False,
        dropout: float = 0.0,
        truncate: int | None = None,
    ) -> None:
        name = type(self).__name__
        d_in, self.hidden, self.layers = sizes(name, d_in=d_in, hidden=hidden, layers=layers)
        self.truncate = None if truncate is None else number(name, "truncate", truncate)
        self.d_in, self.directions = d_in, ("", "_reverse") if bidirectional else ("",)
        wide = self.gates * self.hidden
        draw = init.bias_uniform(self.hidden)
        for layer in range(self.layers):
            width = d_in if layer == 0 else self.hidden * len(self.directions)
            for direction in self.directions:
                end = f"l{layer}{direction}"
                for kind, rows in (("ih", width), ("hh", self.hidden)):
                    weight = param((rows, wide), draw, torch_axes=(1, 0), fans=(rows, self.hidden))
                    setattr(self, f"weight_{kind}_{end}", weight)
                for kind in ("ih", "hh"):
                    setattr(self, f"bias_{kind}_{end}", param((wide,), draw) if bias else None)
        self.dropout = Dropout(dropout)

    def forward(self, x_NTC: Any, state: Any = None) -> tuple[Any, Any]:
        """The last layer's hidden state at all positions, and the state after the last.

        Parameters
        ----------
        x_NTC : (N, T, C), T at least 1
        state : before the first position, as an earlier call has returned it; None: zeros. Its derivative goes back
            into that call, unless it comes from another step, or through ``ops.stop_gradient``

        Returns
        -------
        (N, T, H), both directions side by side, and the state: (L, N, H), L counting each layer's directions in turn;
        of an LSTM a pair of such, hidden states and cells

        Raises
        ------
        ShapeError : x or the state has another shape
        """
        name = type(self).__name__
        if x_NTC.ndim != 3 or x_NTC.shape[2] != self.d_in or x_NTC.shape[1] < 1:
            raise ShapeError(f"{name}: x has shape {x_NTC.shape}, not (N, T, {self.d_in}) with T at least 1")
        before = self._before(x_NTC, state)
        after: list[tuple[Any, ...]] = []
        y = x_NTC
        for layer in range(self.layers):
            parts = []
            for direction in self.directions:
                start = tuple(s[len(after)] for s in before)
                seen = y[:, ::-1] if direction else y
                part, last = self._through_time(seen, start, f"l{layer}{direction}")
                parts.append(part[:, ::-1] if direction else part)
                after.append(last)
            y = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
            if layer < self.layers - 1:
                y = self.dropout(y)
        joined = tuple(np.stack([last[k] for last in after], axis=0) for k in range(self.states))
        return y, joined[0] if self.states == 1 else joined

    def _before(self, x: Any, state: Any) -> tuple[Any, ...]:
        shape = self.layers * len(self.directions), x.shape[0], self.hidden
        if state is None:
            return (onp.zeros(shape, x.dtype),) * self.states
        parts = (state,) if self.states == 1 else tuple(state)
        if len(parts) != self.states or any(np.shape(part) != shape for part in parts):
            found = ", ".join(str(np.shape(part)) for part in parts)
            raise ShapeError(
                f"{type(self).__name__}: the state has shape {found}, not {', '.join([str(shape)] * self.states)}",
                remedy="It is what an earlier call returned for as many samples: (layers x directions, N, H).",
            )
        return parts

    def _through_time(self, x: Any, state: tuple[Any, ...], end: str) -> tuple[Any, tuple[Any, ...]]:
        """One layer in one direction, cut where derivatives are to end: all positions, and the state after them."""
        step = self.truncate or x.shape[1]
        parts = []
        for start in range(0, x.shape[1], step):
            if start:
                state = tuple(ops.stop_gradient(s) for s in state)
            part, state = self._sequence(x[:, start : start + step], state, end)
            parts.append(part)
        return (parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)), state

    def _sequence(self, x: Any, state: tuple[Any, ...], end: str) -> tuple[Any, tuple[Any, ...]]:
        raise NotImplementedError

    def _inputs(self, x: Any, end: str) -> Any:
        """What the inputs bring to all gates, (N, T, G), with both biases."""
        b_ih, b_hh = getattr(self, f"bias_ih_{end}"), getattr(self, f"bias_hh_{end}")
        return ops.linear(x, getattr(self, f"weight_ih_{end}"), None if b_ih is None else b_ih + b_hh)


class RNN(_Recurrent):
    """``h_t = tanh(x_t @ w_ih + b_ih + h_{t-1} @ w_hh + b_hh)`` (Elman 1990), stacked.

    Parameters
    ----------
    d_in, hidden : C and H
    layers : each takes the hidden states of the one below
    bias : whether there are b_ih and b_hh
    bidirectional : each layer also goes from the last position to the first, with weights of its own
    dropout : rate between layers, in training
    truncate : derivatives go back through no more than so many positions (Williams and Peng 1990); None: through all
    nonlinearity : "tanh" or "relu"

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l0_reverse, ... : (C, H), (H, H), (H,), (H,)

    >>> layer = RNN(3, 4)
    >>> y, state = layer.bind(layer.init())(onp.ones((2, 5, 3), onp.float32))
    >>> y.shape, state.shape
    ((2, 5, 4), (1, 2, 4))
    """

    def __init__(self, *args: Any, nonlinearity: str = "tanh", **options: Any) -> None:
        super().__init__(*args, **options)
        if nonlinearity not in ("tanh", "relu"):
            raise UsageError(f"RNN: nonlinearity {nonlinearity!r} is not known", remedy='Choose "tanh" or "relu".')
        self.relu = nonlinearity == "relu"

    def _sequence(self, x: Any, state: tuple[Any, ...], end: str) -> tuple[Any, tuple[Any, ...]]:
        y = ops.rnn(self._inputs(x, end), *state, getattr(self, f"weight_hh_{end}"), relu=self.relu)
        return y, (y[:, -1],)


class GRU(_Recurrent):
    """The gated recurrent unit (arXiv:1406.1078), stacked; see :func:`ddtrain.ops.gru` for its gates.

    Parameters and attributes are those of :class:`RNN`, but for ``nonlinearity``; weights are (C, 3H) and (H, 3H), of
    the gates r, z, n.

    >>> GRU(3, 4, bidirectional=True).declarations()["weight_hh_l0_reverse"].torch_shape()
    (12, 4)
    """

    gates = 3

    def _sequence(self, x: Any, state: tuple[Any, ...], end: str) -> tuple[Any, tuple[Any, ...]]:
        a = ops.linear(x, getattr(self, f"weight_ih_{end}"), getattr(self, f"bias_ih_{end}"))
        y = ops.gru(a, *state, getattr(self, f"weight_hh_{end}"), getattr(self, f"bias_hh_{end}"))
        return y, (y[:, -1],)


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), stacked; see :func:`ddtrain.ops.lstm` for its gates.

    Parameters and attributes are those of :class:`RNN`, but for ``nonlinearity``; weights are (C, 4H) and (H, 4H), of
    the gates i, f, g, o. The state is a pair: hidden states and cells.

    >>> layer = LSTM(3, 4, layers=2)
    >>> y, (h, c) = layer.bind(layer.init())(onp.ones((2, 5, 3), onp.float32))
    >>> y.shape, h.shape, c.shape
    ((2, 5, 4), (2, 2, 4), (2, 2, 4))
    """

    gates, states = 4, 2

    def _sequence(self, x: Any, state: tuple[Any, ...], end: str) -> tuple[Any, tuple[Any, ...]]:
        both = ops.lstm(self._inputs(x, end), *state, getattr(self, f"weight_hh_{end}"))
        h, c = both[:, :, : self.hidden], both[:, :, self.hidden :]
        return h, (h[:, -1], c[:, -1])
