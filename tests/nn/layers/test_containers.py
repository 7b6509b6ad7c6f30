"""Modules side by side, and past one another."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import nn, ops
from ddtrain.errors import ShapeError


def test_side_by_side_and_past() -> None:
    x = np.random.default_rng(0).standard_normal((2, 4, 4, 3))
    inception = nn.Concat(
        nn.Conv2d(3, 2, 1), nn.Sequential(nn.Conv2d(3, 1, 1), nn.Conv2d(1, 4, 3, padding=1)), nn.MaxPool2d(3, 1, 1)
    )
    values = inception.init(0, np.float64)
    assert "1.0.weight" in values
    bound = inception.bind(values)
    y = bound(x)
    assert y.shape == (2, 4, 4, 9)
    np.testing.assert_array_equal(y[..., 6:], ops.max_pool2d(x, 3, 1, 1))
    np.testing.assert_array_equal(y[..., :2], ops.conv2d(x, values["0.weight"], values["0.bias"]))
    block = nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.ReLU()))
    values = block.init(0, np.float64)
    assert list(values) == ["body.0.weight", "body.0.bias"]
    inner = np.maximum(x @ values["body.0.weight"] + values["body.0.bias"], 0)
    np.testing.assert_allclose(block.bind(values)(x), x + inner, rtol=1e-12)
    wider = nn.Residual(nn.Linear(3, 5), nn.Linear(3, 5, bias=False))
    values = wider.init(0, np.float64)
    expected = x @ (values["body.weight"] + values["shortcut.weight"]) + values["body.bias"]
    np.testing.assert_allclose(wider.bind(values)(x), expected, rtol=1e-12)


def test_answers_that_do_not_fit_together() -> None:
    x = np.ones((2, 4, 4, 3))
    with pytest.raises(ShapeError, match=r"Concat: the answers have shapes \(2, 2, 2, 3\), \(2, 4, 4, 3\), which"):
        nn.Concat(nn.MaxPool2d(2), nn.Identity()).bind({})(x)
    with pytest.raises(ShapeError, match=r"Residual: the body's answer has shape \(2, 2, 2, 3\) but the shortcut's"):
        nn.Residual(nn.MaxPool2d(2)).bind({})(x)
    with pytest.raises(ShapeError, match="Concat: argument 1 is an int, not a module"):
        nn.Concat(nn.Identity(), 3)  # type: ignore[arg-type]


def test_layers_are_seen_by_position_bound_or_not() -> None:
    layers = [nn.Linear(2, 3), nn.relu(), nn.Linear(3, 1)]
    model = nn.Sequential(*layers)
    assert (len(model), list(model), model[-1]) == (3, layers, layers[2])
    bound = model.bind(model.init(0, "float64"))
    x = np.ones((1, 2))
    by_hand = x
    for layer in bound:
        by_hand = layer(by_hand)
    np.testing.assert_array_equal(by_hand, bound(x))
    with pytest.raises(IndexError):
        model[3]
