"""Convolution and pooling layers are their operations, with weights of PyTorch's shapes and initial ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch_numbers import wave

from ddtrain import nn, ops
from ddtrain.errors import UsageError

IMAGES, SEQUENCES = wave((2, 6, 7, 4), 0), wave((2, 9, 4), 0)
LAYERS: dict[str, tuple[nn.Module, Any, Callable[..., Any]]] = {
    "Conv1d": (nn.Conv1d(4, 6, 3, 2, 1, 2, dilation=2), SEQUENCES, lambda x, w, b: ops.conv1d(x, w, b, 2, 1, 2, 2)),
    "Conv1d same": (
        nn.Conv1d(4, 6, 4, padding="same", bias=False),
        SEQUENCES,
        lambda x, w: ops.conv1d(x, w, padding="same"),
    ),
    "Conv2d": (
        nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), 2, dilation=(1, 2)),
        IMAGES,
        lambda x, w, b: ops.conv2d(x, w, b, (2, 1), (1, 2), 2, (1, 2)),
    ),
    "ConvTranspose1d": (
        nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, dilation=2),
        SEQUENCES,
        lambda x, w, b: ops.conv_transpose1d(x, w, b, 2, 1, 1, 2, 2),
    ),
    "ConvTranspose2d": (
        nn.ConvTranspose2d(4, 6, (3, 2), 2, (1, 0), (1, 0), 2, dilation=(2, 1)),
        IMAGES,
        lambda x, w, b: ops.conv_transpose2d(x, w, b, 2, (1, 0), (1, 0), 2, (2, 1)),
    ),
    "MaxPool1d": (nn.MaxPool1d(3, 2, 1), SEQUENCES, lambda x: ops.max_pool1d(x, 3, 2, 1)),
    "AvgPool1d": (nn.AvgPool1d(3), SEQUENCES, lambda x: ops.avg_pool1d(x, 3)),
    "MaxPool2d": (nn.MaxPool2d((3, 2), 2, 1), IMAGES, lambda x: ops.max_pool2d(x, (3, 2), 2, 1)),
    "AvgPool2d": (nn.AvgPool2d(2), IMAGES, lambda x: ops.avg_pool2d(x, 2)),
    "AdaptiveAvgPool1d": (nn.AdaptiveAvgPool1d(4), SEQUENCES, lambda x: ops.adaptive_avg_pool1d(x, 4)),
    "AdaptiveMaxPool1d": (nn.AdaptiveMaxPool1d(4), SEQUENCES, lambda x: ops.adaptive_max_pool1d(x, 4)),
    "AdaptiveAvgPool2d": (nn.AdaptiveAvgPool2d((4, 3)), IMAGES, lambda x: ops.adaptive_avg_pool2d(x, (4, 3))),
    "AdaptiveMaxPool2d": (nn.AdaptiveMaxPool2d(4), IMAGES, lambda x: ops.adaptive_max_pool2d(x, 4)),
    "GlobalAvgPool1d": (nn.GlobalAvgPool1d(), SEQUENCES, lambda x: x.mean(1)),
    "GlobalMaxPool1d": (nn.GlobalMaxPool1d(), SEQUENCES, lambda x: x.max(1)),
    "GlobalAvgPool2d": (nn.GlobalAvgPool2d(), IMAGES, lambda x: x.mean((1, 2))),
    "GlobalMaxPool2d": (nn.GlobalMaxPool2d(), IMAGES, lambda x: x.max((1, 2))),
}
TORCH_SHAPES = {  # of the weights of PyTorch 2.13's layers with the same options
    "Conv1d": (6, 2, 3),
    "Conv1d same": (6, 4, 4),
    "Conv2d": (6, 2, 3, 2),
    "ConvTranspose1d": (4, 3, 3),
    "ConvTranspose2d": (4, 3, 3, 2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_its_operation(name: str) -> None:
    layer, x, op = LAYERS[name]
    values = layer.init(0, np.float64)
    np.testing.assert_allclose(layer.bind(values)(x), op(x, *values.values()), rtol=1e-13, atol=1e-13)
    y = layer.bind(layer.init(0))(x.astype(np.float32)[:0])
    assert y.dtype == np.float32
    assert y.shape[0] == 0


@pytest.mark.parametrize("name", TORCH_SHAPES)
def test_weights_go_to_pytorch_and_back(name: str) -> None:
    layer = LAYERS[name][0]
    values = layer.init(0)
    there = nn.to_torch(layer, values)
    assert there["weight"].shape == TORCH_SHAPES[name]
    assert all(np.array_equal(x, values[k]) for k, x in nn.from_torch(layer, there).items())
    inputs = np.prod(TORCH_SHAPES[name][1:])  # PyTorch's fan-in, also where it transposes
    for x in values.values():
        assert 0.7 * inputs**-0.5 < np.abs(x).max() <= inputs**-0.5


def test_fans_of_a_transposed_convolution_are_its_own() -> None:
    assert nn.ConvTranspose2d(32, 8, 3, groups=4).declarations()["weight"].fans == (9 * 8, 9 * 2)
    assert nn.ConvTranspose1d(32, 8, 3, groups=4).declarations()["weight"].fans == (3 * 8, 3 * 2)
    assert nn.Conv1d(32, 8, 5, groups=4).declarations()["weight"].fans == (5 * 8, 5 * 2)


WRONG: dict[str, Callable[[], Any]] = {
    "Conv1d: 3 groups do not divide 4 input and 6 output channels": lambda: nn.Conv1d(4, 6, 3, groups=3),
    "ConvTranspose2d: 3 groups do not divide 4 input and 6": lambda: nn.ConvTranspose2d(4, 6, 3, groups=3),
    "Conv1d: kernel 0 is less than 1": lambda: nn.Conv1d(4, 6, 0),
    "Conv1d: padding -1 is less than 0": lambda: nn.Conv1d(4, 6, 3, padding=-1),
    "Conv1d: dilation 1.5 is not an integer": lambda: nn.Conv1d(4, 6, 3, dilation=1.5),  # type: ignore[arg-type]
    "Conv2d: dilation (1, 0) is less than 1": lambda: nn.Conv2d(4, 6, 3, dilation=(1, 0)),
    "ConvTranspose2d: output_padding -1 is less than 0": lambda: nn.ConvTranspose2d(4, 6, 3, output_padding=-1),
    "MaxPool1d: kernel (2, 2) is not an integer": lambda: nn.MaxPool1d((2, 2)),  # type: ignore[arg-type]
    "AvgPool1d: stride 0 is less than 1": lambda: nn.AvgPool1d(2, 0),
    "AdaptiveAvgPool2d: size 0 is less than 1": lambda: nn.AdaptiveAvgPool2d(0),
    "AdaptiveMaxPool1d: size 2.0 is not an integer": lambda: nn.AdaptiveMaxPool1d(2.0),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("message", WRONG)
def test_what_no_layer_can_be_made_of(message: str) -> None:
    with pytest.raises(UsageError) as caught:
        WRONG[message]()
    assert caught.value.message.startswith(message)
