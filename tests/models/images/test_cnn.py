"""Convolutional networks: widths that follow the image, batches of any size, dropout before the head alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import models
from ddtrain.rng import SampleRng


@pytest.mark.parametrize(
    ("image", "widths", "columns"),
    [
        ((28, 28, 1), (16, 32), 7 * 7 * 32),
        ((9, 7, 3), (4,), 4 * 3 * 4),
        ((9, 7, 3), (4, 5), 2 * 1 * 5),
        ((8, 8, 2), (), 128),
    ],
)
def test_each_block_halves_the_image_and_the_head_sees_what_is_left(image: Any, widths: Any, columns: int) -> None:
    model = models.Cnn(image, widths, classes=10)
    assert model.declarations()["head.weight"].shape == (columns, 10)
    assert model.bind(model.init(0))(np.ones((2, *image), np.float32)).shape == (2, 10)


@pytest.mark.parametrize("model", [models.Cnn((8, 8, 2), (3, 4), 5), models.LeNet(5)], ids=["cnn", "lenet"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_of_any_size(model: Any, dtype: Any) -> None:
    image = (8, 8, 2) if isinstance(model, models.Cnn) else (28, 28, 1)
    x, bound = np.random.default_rng(0).standard_normal((3, *image)).astype(dtype), model.bind(model.init(0, dtype))
    whole = bound(x)
    assert (whole.shape, whole.dtype) == ((3, 5), dtype)
    assert bound(x[:0]).shape == (0, 5)
    np.testing.assert_allclose(bound(x[1:2]), whole[1:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_kernels_of_any_odd_side_keep_the_size(kernel: int) -> None:
    model = models.Cnn((8, 6, 1), (2,), 3, kernel=kernel)
    assert model.declarations()["head.weight"].shape == (4 * 3 * 2, 3)
    assert model.bind(model.init(0))(np.ones((1, 8, 6, 1), np.float32)).shape == (1, 3)


def test_units_are_dropped_in_training_alone() -> None:
    model = models.Cnn((4, 4, 1), (), 3, dropout=0.5)  # no batch-norm, which differs in training, too
    values, x = model.init(0, np.float64), np.random.default_rng(0).standard_normal((8, 4, 4, 1))
    evaluated, trained = model.bind(values)(x), model.bind(values, training=True, rng=SampleRng(0, 0))(x)
    w, b = values["head.weight"], values["head.bias"]
    np.testing.assert_allclose(evaluated, x.reshape(8, 16) @ w + b, rtol=1e-12)
    mask = model.bind(values, training=True, rng=SampleRng(0, 0)).run.uniform("dropout/dropout", (8, 16)) >= 0.5
    np.testing.assert_allclose(trained, (2 * x.reshape(8, 16) * mask) @ w + b, rtol=1e-12)


def test_lenet_has_its_parameters() -> None:
    shapes = {name: d.shape for name, d in models.LeNet().declarations().items() if name.endswith("weight")}
    assert shapes == {
        "features.0.weight": (5, 5, 1, 16),
        "features.3.weight": (5, 5, 16, 32),
        "head.weight": (7 * 7 * 32, 10),
    }


@pytest.mark.parametrize(
    ("batch_norm", "expected"),
    [
        (True, ["Conv2d", "BatchNorm", "Tanh", "MaxPool2d"]),
        ("after", ["Conv2d", "Tanh", "BatchNorm", "MaxPool2d"]),
        ("none", ["Conv2d", "Tanh", "MaxPool2d"]),
    ],
)
def test_batch_norm_stands_where_it_is_told(batch_norm: Any, expected: list[str]) -> None:
    model = models.Cnn((4, 4, 1), (2,), 3, batch_norm=batch_norm, activation="tanh")
    assert [type(layer).__name__ for _, layer in model.features.children()] == expected
    assert ("features.0.bias" in model.declarations()) == (batch_norm is not True), "batch-norm's shift replaces it"
