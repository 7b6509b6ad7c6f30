"""The plain recurrent network over a sequence."""

# N batch, T positions, H hidden units

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.kernels.recurrent import rnn as kernel
from ddtrain.ops.activations import relu as _rectified
from ddtrain.ops.recurrent.shapes import check, stacked


def _rnn(a: Array, h: Array, w: Array, relu: bool = False) -> Array:
    """``h_t = tanh(a_t + h_{t-1} @ w)`` at every position (Elman 1990).

    Parameters
    ----------
    a : (N, T, H), what the inputs bring
    h : (N, H), the state before the first position
    w : (H, H)
    relu : ``max(x, 0)`` in place of tanh

    Returns
    -------
    (N, T, H)

    Raises
    ------
    ShapeError : the shapes do not fit

    >>> rnn(np.ones((1, 3, 1)), np.zeros((1, 1)), np.ones((1, 1)), relu=True)[0, :, 0]
    array([1., 2., 3.])
    """
    check("rnn", 1, a, w, h=h)
    states: list[Any] = []
    for t in range(a.shape[1]):
        z = a[:, t] + np.matmul(h, w)
        h = _rectified(z) if relu else np.tanh(z)
        states.append(h)
    return stacked(states, a, w.shape[0])


def _rnn_forward(a: Any, h: Any, w: Any, relu: bool = False) -> tuple[Any, Any]:
    check("rnn", 1, a, w, h=h)
    y = kernel.rnn(a, h, w, relu)
    return y, y


def _rnn_backward(needs: tuple[int, ...], g: Any, y: Any, a: Any, h: Any, w: Any, relu: bool = False) -> list[Any]:
    da, dh = kernel.rnn_backward(g, y, w, relu)
    by_position = (lambda: da, lambda: dh, lambda: kernel.backward_weight(h, y, da))
    return [by_position[i]() for i in needs]


rnn = fused(
    _rnn,
    _rnn_forward,
    _rnn_backward,
    mixed=3,
    name="rnn",
    examples=lambda r: [case(r(2, 3, 2), r(2, 2), r(2, 2)), case(r(2, 2, 3), r(2, 3), r(3, 3), relu=True)],
)
