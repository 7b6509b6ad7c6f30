"""The residual network: shortcuts where shapes differ, blocks that are the identity when they do nothing, its size."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import models
from ddtrain.models.images.resnet import Block

R = np.random.default_rng(0)


@pytest.mark.parametrize(("c_in", "c_out", "stride", "has"), [(4, 4, 1, False), (4, 6, 1, True), (4, 4, 2, True)])
def test_a_shortcut_has_weights_only_where_shapes_differ(c_in: int, c_out: int, stride: int, has: bool) -> None:
    block = Block(c_in, c_out, stride)
    assert ("shortcut.weight" in block.declarations()) == has
    y = block.bind(block.init(0))(np.ones((2, 8, 6, c_in), np.float32))
    assert y.shape == (2, 8 // stride, 6 // stride, c_out)


def test_a_block_whose_convolutions_are_zero_passes_its_input_on() -> None:
    block, x = Block(3, 3, 1), R.standard_normal((2, 5, 5, 3))
    values = {name: np.zeros_like(v) if "conv" in name else v for name, v in block.init(0, np.float64).items()}
    np.testing.assert_array_equal(block.bind(values)(x), np.maximum(x, 0))


def test_a_shortcut_takes_every_second_pixel() -> None:
    block, x = Block(2, 3, 2), R.standard_normal((1, 4, 4, 2))
    values = {name: np.zeros_like(v) if "conv" in name else v for name, v in block.init(0, np.float64).items()}
    expected = np.maximum(x[:, ::2, ::2] @ values["shortcut.weight"][0, 0], 0)
    np.testing.assert_allclose(block.bind(values)(x), expected, rtol=1e-12)


def test_of_the_paper_it_has_the_parameters() -> None:
    """Convolutions, batch-norms and the last layer, counted by hand for widths 16, 32 and 64."""
    stem, first = 27 * 16 + 32, 2 * 144 * 16 + 64
    second = 144 * 32 + 288 * 32 + 16 * 32 + 128
    third = 288 * 64 + 576 * 64 + 32 * 64 + 256
    trained = sum(np.prod(d.shape) for d in models.ResNet8().declarations().values() if d.trained)
    assert trained == stem + first + second + third + 64 * 10 + 10


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_batches_and_images_of_any_size(rows: int) -> None:
    model = models.ResNet8(classes=4, widths=(4, 6, 8), channels=1)
    bound = model.bind(model.init(0, np.float64))
    for side in (16, 32):
        assert bound(np.ones((rows, side, side, 1))).shape == (rows, 4)


def test_the_second_and_third_block_halve_the_image() -> None:
    model = models.ResNet8(widths=(4, 6, 8))
    x, shapes, bound = np.ones((1, 16, 16, 4)), [], model.bind(model.init(0, np.float64))
    for block in bound.blocks:
        x = block(x)
        shapes.append(x.shape)
    assert shapes == [(1, 16, 16, 4), (1, 8, 8, 6), (1, 4, 4, 8)]
