"""Recurrent operations in ONNX: the GRU is one operator; of the LSTM, whose cells of all positions ONNX does not give,
every position is written out.
"""

# N samples, T positions, H hidden units

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ddtrain.autodiff.inspect.drawing import Node
from ddtrain.export.operators import Emit, File, refused
from ddtrain.export.traced_model import array_of


def _state(file: File, state: Any) -> str | None:
    """The name of the state before the first position; None if it is 0, whatever the number of samples."""
    return None if isinstance(state, Node) and file.is_zero(state) else file.name(state)


def _gru(file: File, step: Node, given: Mapping[str, Any]) -> str:
    """ONNX multiplies the inputs within the operator, by gates z, r, n; ours come multiplied, as r, z, n: there the
    matrix is a permutation.
    """
    w, b = given["w"], given["b"]
    if not isinstance(w, Node) or not (b is None or isinstance(b, Node)):
        raise refused(step, "weights that are no arrays")
    w_HG, dtype = array_of(w), array_of(step).dtype
    hidden = len(w_HG)
    order = np.concatenate([np.arange(hidden, 2 * hidden), np.arange(hidden), np.arange(2 * hidden, 3 * hidden)])
    bias = np.zeros(3 * hidden, dtype) if b is None else array_of(b)[order]
    biases = np.concatenate([np.zeros_like(bias), bias])[None]
    inputs = [
        file.add("Transpose", [file.name(given["a"])], perm=[1, 0, 2]),
        file.name(np.eye(3 * hidden, dtype=dtype)[order][None]),
        file.made_of(w, np.ascontiguousarray(w_HG.T[order])[None]),
        file.name(biases) if b is None else file.made_of(b, biases),
    ]
    if (before := _state(file, given["h"])) is not None:
        inputs += ["", file.add("Unsqueeze", [before, file.name(np.array([0], np.int64))])]
    states = file.add("GRU", inputs, hidden_size=hidden, linear_before_reset=1)  # (T, 1, N, H)
    single = file.add("Squeeze", [states, file.name(np.array([1], np.int64))])
    return file.add("Transpose", [single], perm=[1, 0, 2])


def _lstm(file: File, step: Node, given: Mapping[str, Any]) -> str:
    places, hidden = file.shape(step)[1], file.shape(step)[2] // 2
    h, c = (_state(file, given[name]) for name in "hc")
    a, w = file.name(given["a"]), file.name(given["w"])
    seen = []
    for place in range(places):
        z = file.add("Gather", [a, file.name(np.array(place, np.int64))], axis=1)
        z = z if h is None else file.add("Add", [z, file.add("MatMul", [h, w])])
        i, f, g, o = (_part(file, z, gate * hidden, (gate + 1) * hidden) for gate in range(4))
        new = file.add("Mul", [file.add("Sigmoid", [i]), file.add("Tanh", [g])])
        c = new if c is None else file.add("Add", [file.add("Mul", [file.add("Sigmoid", [f]), c]), new])
        h = file.add("Mul", [file.add("Sigmoid", [o]), file.add("Tanh", [c])])
        both = file.add("Concat", [h, c], axis=-1)
        seen.append(file.add("Unsqueeze", [both, file.name(np.array([1], np.int64))]))
    return file.add("Concat", seen, axis=1)


def _part(file: File, x: str, start: int, stop: int) -> str:
    return file.add("Slice", [x, *(file.name(np.array([k], np.int64)) for k in (start, stop, -1))])


RECURRENT: dict[str, Emit] = {"gru": _gru, "lstm": _lstm}
