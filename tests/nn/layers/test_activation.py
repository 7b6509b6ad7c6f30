"""Activations as modules: each is its operation, by name and with its options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn, ops
from ddtrain.errors import UsageError

X = np.random.default_rng(0).standard_normal((4, 6))
SAME: dict[str, tuple[dict[str, Any], Any]] = {
    "identity": ({}, lambda x: x),
    "relu": ({}, ops.relu),
    "leakyrelu": ({"slope": 0.2}, lambda x: ops.leaky_relu(x, 0.2)),
    "prelu": ({"channels": 6, "slope": 0.5}, lambda x: np.where(x > 0, x, 0.5 * x)),
    "elu": ({"alpha": 0.5}, lambda x: ops.elu(x, 0.5)),
    "selu": ({}, ops.selu),
    "gelu": ({"approximate": "tanh"}, lambda x: ops.gelu(x, "tanh")),
    "silu": ({}, ops.silu),
    "softplus": ({"beta": 3.0}, lambda x: ops.softplus(x, 3.0)),
    "sigmoid": ({}, ops.sigmoid),
    "tanh": ({}, np.tanh),
    "hardtanh": ({"low": -0.5, "high": 0.2}, lambda x: np.clip(x, -0.5, 0.2)),
    "hardsigmoid": ({}, ops.hard_sigmoid),
    "softmax": ({"axis": 0}, lambda x: ops.softmax(x, 0)),
    "logsoftmax": ({}, ops.log_softmax),
    "max": ({"axis": 0}, lambda x: x.max(0)),
    "maxout": ({"pieces": 3}, lambda x: x.reshape(4, 2, 3).max(-1)),
}


def test_all_are_tested() -> None:
    assert set(SAME) == set(nn.ACTIVATIONS)


@pytest.mark.parametrize("name", SAME)
def test_by_name_with_options(name: str) -> None:
    options, expected = SAME[name]
    layer = nn.activation(name, **options)
    bound = layer.bind(layer.init(0, np.float64))
    np.testing.assert_array_equal(bound(X), expected(X))
    assert type(nn.activation(name.upper())) is nn.ACTIVATIONS[name]


def test_the_slope_of_prelu_is_a_parameter_of_pytorchs_name() -> None:
    assert {k: v.tolist() for k, v in nn.PReLU().init(0).items()} == {"weight": [0.25]}


def test_names_with_underscores_and_unknown_ones() -> None:
    assert isinstance(nn.activation("log_softmax"), nn.LogSoftmax)
    with pytest.raises(UsageError, match=r"activation 'rleu' is not known\n  Did you mean relu\? There is identity"):
        nn.activation("rleu")
    with pytest.raises(UsageError, match=r"activation 'relu': .*unexpected keyword argument 'slope'"):
        nn.activation("relu", slope=1)
    with pytest.raises(UsageError, match="Maxout: pieces 0 is less than 1"):
        nn.Maxout(0)
