"""What ``kernels/__init__.py`` promises of every kernel, checked on a table of calls."""

# The rows of `CALLS`: arrays by role are made for n rows, in any dtype, and passed in order.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ddtrain import kernels as k

Maker = Callable[[np.random.Generator, int], tuple[Any, ...]]
ONE, NONE = (1, 1), (0, 0, 0, 0)


def _normal(r: np.random.Generator, *shape: int) -> np.ndarray:
    return r.standard_normal(shape)


def _probabilities(r: np.random.Generator, *shape: int) -> np.ndarray:
    return k.softmax.softmax(_normal(r, *shape))


def _moments(r: np.random.Generator, channels: int) -> np.ndarray:
    return np.concatenate(([5.0], _normal(r, channels), r.random(channels)))


def _attended(r: np.random.Generator, n: int) -> tuple[Any, ...]:
    inputs = tuple(_normal(r, n, 4, 3) for _ in range(3))
    return (*k.attention.forward(*inputs, False), *inputs)


CALLS: dict[str, tuple[Callable[..., Any], Maker]] = {
    "linear.forward": (k.linear.forward, lambda r, n: (_normal(r, n, 4), _normal(r, 4, 3), _normal(r, 3))),
    "linear.forward no bias": (k.linear.forward, lambda r, n: (_normal(r, n, 2, 4), _normal(r, 4, 3), None)),
    "linear.backward_input": (k.linear.backward_input, lambda r, n: (_normal(r, n, 3), _normal(r, 4, 3))),
    "linear.backward_weight": (k.linear.backward_weight, lambda r, n: (_normal(r, n, 4), _normal(r, n, 3))),
    "linear.backward_bias": (k.linear.backward_bias, lambda r, n: (_normal(r, n, 5, 3),)),
    "conv.forward": (
        k.conv.forward,
        lambda r, n: (_normal(r, n, 5, 4, 2), _normal(r, 3, 2, 2, 4), _normal(r, 4), ONE, (1, 1, 0, 1), 1),
    ),
    "conv.forward groups": (
        k.conv.forward,
        lambda r, n: (_normal(r, n, 5, 4, 4), _normal(r, 3, 2, 2, 6), None, (2, 1), NONE, 2),
    ),
    "conv.backward_weight": (
        k.conv.backward_weight,
        lambda r, n: (_normal(r, n, 5, 4, 4), _normal(r, n, 3, 4, 6), 3, 2, (2, 1), (1, 1, 0, 1), 2),
    ),
    "conv.backward_input turned": (
        k.conv.backward_input,
        lambda r, n: (_normal(r, n, 5, 4, 2), _normal(r, 3, 3, 4, 2), 5, 4, ONE, (1, 1, 1, 1), 1),
    ),
    "conv.backward_input folded": (
        k.conv.backward_input,
        lambda r, n: (_normal(r, n, 3, 4, 6), _normal(r, 3, 2, 2, 6), 5, 4, (2, 1), (1, 1, 0, 1), 2),
    ),
    "pool.average_forward": (k.pool.average_forward, lambda r, n: (_normal(r, n, 5, 4, 2), 3, 2, (2, 1), (1, 1, 0, 0))),
    "pool.average_backward": (k.pool.average_backward, lambda r, n: (_normal(r, n, 2, 2, 2), 5, 4, 2, 2, (2, 2), NONE)),
    "pool.average_backward padded": (
        k.pool.average_backward,
        lambda r, n: (_normal(r, n, 3, 3, 2), 5, 4, 3, 2, (2, 1), (1, 1, 0, 0)),
    ),
    "pool.max_forward": (k.pool.max_forward, lambda r, n: (_normal(r, n, 5, 4, 2), 3, 2, (2, 1), (1, 1, 0, 0))),
    "pool.max_backward": (
        k.pool.max_backward,
        lambda r, n: (_normal(r, n, 2, 2, 2), r.integers(0, 4, (n, 2, 2, 2)), 5, 4, 2, 2, (2, 2), NONE),
    ),
    "batch_norm.normalise": (
        k.batch_norm.normalise,
        lambda r, n: (_normal(r, n, 2, 3), _moments(r, 3)[None], _normal(r, 3), _normal(r, 3), 1e-5),
    ),
    "batch_norm.backward_input": (
        k.batch_norm.backward_input,
        lambda r, n: (
            *(_normal(r, n, 2, 3), _normal(r, n, 2, 3), _moments(r, 3), r.random(3), _normal(r, 3)),
            _normal(r, 2, 3),
        ),
    ),
    "layer_norm.forward": (k.layer_norm.forward, lambda r, n: (_normal(r, n, 3), _normal(r, 3), _normal(r, 3), 1e-5)),
    "layer_norm.backward": (
        k.layer_norm.backward,
        lambda r, n: (_normal(r, n, 3), _normal(r, n, 3), _normal(r, n, 1), abs(_normal(r, n, 1)), _normal(r, 3)),
    ),
    "layer_norm.rms_forward": (k.layer_norm.rms_forward, lambda r, n: (_normal(r, n, 3), _normal(r, 3), 1e-5)),
    "layer_norm.rms_backward": (
        k.layer_norm.rms_backward,
        lambda r, n: (_normal(r, n, 3), _normal(r, n, 3), abs(_normal(r, n, 1)), _normal(r, 3)),
    ),
    "layer_norm.group_forward": (
        k.layer_norm.group_forward,
        lambda r, n: (_normal(r, n, 2, 6), _normal(r, 6), _normal(r, 6), 3, 1e-5),
    ),
    "layer_norm.group_backward": (
        k.layer_norm.group_backward,
        lambda r, n: (*(_normal(r, n, 2, 6) for _ in range(2)), _normal(r, n, 3), r.random((n, 3)), _normal(r, 6)),
    ),
    "rnn.rnn": (k.rnn.rnn, lambda r, n: (_normal(r, n, 4, 3), _normal(r, n, 3), _normal(r, 3, 3), False)),
    "rnn.rnn_backward": (
        k.rnn.rnn_backward,
        lambda r, n: (_normal(r, n, 4, 3), np.tanh(_normal(r, n, 4, 3)), _normal(r, 3, 3), False),
    ),
    "rnn.backward_weight": (
        k.rnn.backward_weight,
        lambda r, n: (_normal(r, n, 3), _normal(r, n, 4, 3), _normal(r, n, 4, 6)),
    ),
    "gru.gru": (k.gru.gru, lambda r, n: (_normal(r, n, 4, 9), _normal(r, n, 3), _normal(r, 3, 9), _normal(r, 9))),
    "gru.gru_backward": (
        k.gru.gru_backward,
        lambda r, n: (
            *(_normal(r, n, 4, 3) for _ in range(2)),
            *(np.tanh(_normal(r, n, 4, 12)), _normal(r, n, 3), _normal(r, 3, 9)),
        ),
    ),
    "lstm.lstm": (
        k.lstm.lstm,
        lambda r, n: (_normal(r, n, 4, 12), _normal(r, n, 3), _normal(r, n, 3), _normal(r, 3, 12)),
    ),
    "lstm.lstm_backward": (
        k.lstm.lstm_backward,
        lambda r, n: (
            *(_normal(r, n, 4, 6) for _ in range(2)),
            *(np.tanh(_normal(r, 4, n, 12)), np.tanh(_normal(r, 4, n, 3)), _normal(r, n, 3), _normal(r, 3, 12)),
        ),
    ),
    "softmax.softmax": (k.softmax.softmax, lambda r, n: (_normal(r, n, 3),)),
    "softmax.softmax_backward": (k.softmax.softmax_backward, lambda r, n: (_normal(r, n, 3), _probabilities(r, n, 3))),
    "softmax.log_softmax": (k.softmax.log_softmax, lambda r, n: (_normal(r, n, 3),)),
    "softmax.log_softmax_backward": (
        k.softmax.log_softmax_backward,
        lambda r, n: (_normal(r, n, 3), np.log(_probabilities(r, n, 3))),
    ),
    "softmax.cross_entropy": (k.softmax.cross_entropy, lambda r, n: (_normal(r, n, 3), r.integers(0, 3, n))),
    "softmax.cross_entropy_backward": (
        k.softmax.cross_entropy_backward,
        lambda r, n: (_normal(r, n), abs(_normal(r, n, 3)), 1 + abs(_normal(r, n)), r.integers(0, 3, n)),
    ),
    "embedding.forward": (k.embedding.forward, lambda r, n: (_normal(r, 4, 3), r.integers(0, 4, (n, 2)))),
    "embedding.backward": (k.embedding.backward, lambda r, n: (_normal(r, n, 2, 3), r.integers(0, 4, (n, 2)), 4)),
    "dropout.forward": (k.dropout.forward, lambda r, n: (_normal(r, n, 3), r.random((n, 3)), 0.3)),
    "dropout.backward": (k.dropout.backward, lambda r, n: (_normal(r, n, 3), _normal(r, n, 3))),
    "attention.forward": (k.attention.forward, lambda r, n: (*(_normal(r, n, 4, 3) for _ in range(3)), True)),
    "attention.backward": (k.attention.backward, lambda r, n: (_normal(r, n, 4, 3), *_attended(r, n), False)),
    "normal_distribution.normal_pdf": (k.normal_distribution.normal_pdf, lambda r, n: (_normal(r, n, 3),)),
    "normal_distribution.normal_cdf": (k.normal_distribution.normal_cdf, lambda r, n: (_normal(r, n, 3),)),
    "activation.relu": (k.activation.relu, lambda r, n: (_normal(r, n, 3),)),
    "activation.relu_backward": (k.activation.relu_backward, lambda r, n: (_normal(r, n, 3), _normal(r, n, 3))),
    "activation.leaky_relu": (k.activation.leaky_relu, lambda r, n: (_normal(r, n, 3), 0.1)),
    "activation.leaky_relu_backward": (
        k.activation.leaky_relu_backward,
        lambda r, n: (_normal(r, n, 3), _normal(r, n, 3), 0.1),
    ),
    "activation.sigmoid": (k.activation.sigmoid, lambda r, n: (_normal(r, n, 3),)),
    "activation.sigmoid_backward": (k.activation.sigmoid_backward, lambda r, n: (_normal(r, n, 3), _normal(r, n, 3))),
    "activation.gelu": (k.activation.gelu, lambda r, n: (_normal(r, n, 3),)),
    "activation.gelu_backward": (k.activation.gelu_backward, lambda r, n: (_normal(r, n, 3), _normal(r, n, 3))),
    "activation.gelu_tanh": (k.activation.gelu_tanh, lambda r, n: (_normal(r, n, 3),)),
    "activation.gelu_tanh_backward": (
        k.activation.gelu_tanh_backward,
        lambda r, n: (_normal(r, n, 3), _normal(r, n, 3)),
    ),
    "activation.silu": (k.activation.silu, lambda r, n: (_normal(r, n, 3),)),
    "activation.silu_backward": (k.activation.silu_backward, lambda r, n: (_normal(r, n, 3), _normal(r, n, 3))),
    "activation.elu": (k.activation.elu, lambda r, n: (_normal(r, n, 3), 0.5, 1.5)),
    "activation.elu_backward": (
        k.activation.elu_backward,
        lambda r, n: (*(_normal(r, n, 3) for _ in range(3)), 0.5, 1.5),
    ),
    "activation.softplus": (k.activation.softplus, lambda r, n: (_normal(r, n, 3), 2.0)),
    "activation.softplus_backward": (
        k.activation.softplus_backward,
        lambda r, n: (_normal(r, n, 3), _normal(r, n, 3), 2.0),
    ),
    "activation.hard_tanh": (k.activation.hard_tanh, lambda r, n: (_normal(r, n, 3), -0.5, 1.0)),
    "activation.hard_tanh_backward": (
        k.activation.hard_tanh_backward,
        lambda r, n: (_normal(r, n, 3), _normal(r, n, 3), -0.5, 1.0),
    ),
    "activation.hard_sigmoid": (k.activation.hard_sigmoid, lambda r, n: (3 * _normal(r, n, 3),)),
    "activation.hard_sigmoid_backward": (
        k.activation.hard_sigmoid_backward,
        lambda r, n: (_normal(r, n, 3), 3 * _normal(r, n, 3)),
    ),
}
WITHOUT_OUT = {  # their out is one for each of several results
    "attention.backward",
    "dropout.forward",
    "softmax.cross_entropy",
}

every_kernel = pytest.mark.parametrize("name", CALLS)


def _make(name: str, n: int, dtype: Any) -> tuple[Callable[..., Any], list[Any]]:
    kernel, make = CALLS[name]
    args = make(np.random.default_rng(0), n)
    return kernel, [a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args]


def _first(result: Any) -> np.ndarray:
    return result[0] if isinstance(result, tuple) else result


def _spread_out(a: Any) -> Any:
    """The same values in every other entry of a larger, transposed array."""
    if not isinstance(a, np.ndarray):
        return a
    wide = np.full([2 * s for s in a.shape][::-1], 7, a.dtype).T
    view = wide[tuple(slice(None, None, 2) for _ in a.shape)]
    view[...] = a
    return view


def _assert_equal_to_rounding(y: np.ndarray, expected: np.ndarray) -> None:
    """Within 16 roundings of the largest entry: the longest sums here have 60 terms, whose roundings add up like √60.

    Entry by entry nothing is promised: a small sum of large terms has the terms' errors. Measured: 4.3 roundings at
    most, of the gradient of a convolution's weight.
    """
    np.testing.assert_allclose(y, expected, rtol=0, atol=8 * np.finfo(y.dtype).eps * np.abs(expected).max(initial=0))


@every_kernel
def test_float32_stays_float32_and_agrees(name: str) -> None:
    kernel, args = _make(name, 5, np.float32)
    _, wide = _make(name, 5, np.float64)
    y = _first(kernel(*args))
    assert y.dtype == np.float32
    _assert_equal_to_rounding(y, _first(kernel(*wide)))


@every_kernel
def test_no_rows(name: str) -> None:
    kernel, args = _make(name, 0, np.float64)
    _, full = _make(name, 1, np.float64)
    y, one = _first(kernel(*args)), _first(kernel(*full))
    assert y.dtype == np.float64
    assert y.ndim == one.ndim
    assert np.all(y == 0)  # what remains has no rows, or is a sum over none


@every_kernel
def test_any_memory_layout_and_inputs_untouched(name: str) -> None:
    kernel, args = _make(name, 5, np.float64)
    scattered = [_spread_out(a) for a in args]
    expected = _first(kernel(*args))
    for a in scattered:
        if isinstance(a, np.ndarray):
            a.flags.writeable = False
    _assert_equal_to_rounding(_first(kernel(*scattered)), expected)
    np.testing.assert_equal(scattered, args)


@pytest.mark.parametrize("name", sorted(set(CALLS) - WITHOUT_OUT))
def test_out_is_filled_and_returned(name: str) -> None:
    kernel, args = _make(name, 5, np.float64)
    expected = _first(kernel(*args))
    again = _first(kernel(*args))
    assert not any(np.shares_memory(expected, a) for a in [*args, again] if isinstance(a, np.ndarray))
    out = np.full(expected.shape, np.nan)
    y = _first(kernel(*args, out=out))
    assert np.shares_memory(y, out)
    np.testing.assert_array_equal(out, expected)


def test_every_family_is_in_the_table() -> None:
    missing = [
        f"{family}.{name}"
        for family in k.__all__
        if not family.endswith("_update")
        for name, f in vars(getattr(k, family)).items()
        if callable(f) and "out" in getattr(f, "__annotations__", {}) and not name.startswith("_")
        if f.__module__.endswith(f".{family}")
    ]
    covered = {call.split()[0] for call in CALLS}
    assert {m for m in missing if m not in covered} == {
        "dropout.keep",
        "dropout.uniform",
    }  # their dtype is an argument: test_dropout.py
