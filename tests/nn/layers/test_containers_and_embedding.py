"""Embedding with a padding row and a tied output; dropout of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import grad, nn, ops
from ddtrain.errors import ShapeError, UsageError
from ddtrain.rng import SampleRng


def test_the_padding_row_begins_at_zero_and_stays() -> None:
    layer = nn.Sequential(nn.Embedding(5, 3, padding_idx=2))
    values = layer.init(3, np.float64)
    plain = nn.Sequential(nn.Embedding(5, 3)).init(3, np.float64)["0.weight"]
    assert not values["0.weight"][2].any()
    rest = [0, 1, 3, 4]
    np.testing.assert_array_equal(values["0.weight"][rest], plain[rest])
    indices = np.array([[2, 2, 0], [4, 2, 1]])
    gradient = grad(lambda v: dnp.sum(layer.bind(v)(indices) * 2.0))(values)["0.weight"]
    np.testing.assert_array_equal(gradient[:, 0], [2, 2, 0, 0, 2])
    alone = nn.Embedding(5, 3, padding_idx=2)
    assert not alone.init(0)["weight"][2].any()


class Tied(nn.Module):
    def __init__(self, bias: bool) -> None:
        self.encoder = nn.Embedding(7, 4, padding_idx=0)
        self.decoder = nn.TiedLinear(self.encoder, bias)

    def forward(self, i: Any) -> Any:
        return self.decoder(self.encoder(i))


@pytest.mark.parametrize("bias", [False, True])
def test_a_tied_output_scores_every_row_and_exports_both_paths(bias: bool) -> None:
    model = Tied(bias)
    values = model.init(0, np.float64)
    assert list(values) == ["encoder.weight", "decoder.bias"][: 1 + bias]
    w = values["encoder.weight"]
    i = np.array([3, 0, 6])
    np.testing.assert_allclose(model.bind(values)(i), w[i] @ w.T + values.get("decoder.bias", 0), rtol=1e-12)
    there = nn.to_torch(model, values)
    assert there["decoder.weight"].shape == (7, 4)  # PyTorch's Linear(4, 7), without a transpose
    np.testing.assert_array_equal(there["decoder.weight"], there["encoder.weight"])
    gradient = grad(lambda v: dnp.sum(model.bind(v)(i)))(values)["encoder.weight"]
    assert gradient[0].any(), "the padding row is trained as an output"


def test_spatial_dropout_drops_channels_and_keeps_the_others_scale() -> None:
    layer, x = nn.SpatialDropout(0.3), np.ones((40, 5, 6, 50))
    y = layer.bind({}, training=True, rng=SampleRng(0, 0))(x)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert {*np.unique(y)} == {0.0, np.float64(1 / 0.7)}
    assert abs(np.mean(y == 0) - 0.3) < 0.06  # 2,000 channels: six standard deviations
    assert layer.bind({})(x) is x
    sequences = layer.bind({}, training=True, rng=SampleRng(0, 0))(np.ones((40, 5, 50), np.float32))
    assert sequences.dtype == np.float32
    np.testing.assert_array_equal(sequences[:, 0] == 0, y[:, 0, 0] == 0)


def test_masks_of_spatial_dropout_do_not_depend_on_the_division() -> None:
    def masks(first: int, rows: int) -> Any:
        return nn.SpatialDropout(0.5).bind({}, training=True, rng=SampleRng(0, 0, first))(np.ones((rows, 3, 9)))

    np.testing.assert_array_equal(np.concatenate([masks(0, 4), masks(4, 5)]), masks(0, 9))
    assert masks(0, 0).shape == (0, 3, 9)


def test_bad_arguments() -> None:
    with pytest.raises(UsageError, match=r"Embedding: padding_idx 5 is outside \[0, 5\)"):
        nn.Embedding(5, 3, padding_idx=5)
    with pytest.raises(UsageError, match="Embedding: padding_idx -1 is less than 0"):
        nn.Embedding(5, 3, padding_idx=-1)
    with pytest.raises(UsageError, match=r"SpatialDropout: rate 1 is not in \[0, 1\)"):
        nn.SpatialDropout(1)
    with pytest.raises(ShapeError, match=r"SpatialDropout: x has shape \(4, 3\), not \(N, \.\.\., C\) with"):
        nn.SpatialDropout().bind({}, training=True, rng=SampleRng(0, 0))(np.ones((4, 3)))


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
    with pytest.raises(ShapeError, match="Concat: argument 1 is a int, not a module"):
        nn.Concat(nn.Identity(), 3)  # type: ignore[arg-type]
