"""Networks for images: sizes that their papers tell, any number of images, and errors about what does not fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ddtrain import models, nn
from ddtrain.errors import ShapeError
from ddtrain.models.images.inception import Widths


def weights(model: nn.Module) -> int:
    return sum(math.prod(d.shape) for d in model.declarations().values() if isinstance(d, nn.Parameter))


NETWORKS = {
    "lenet5": (lambda: models.LeNet5(), (28, 28, 1)),
    "vgg": (lambda: models.Vgg((28, 28, 1), ((4, 4), (8,)), hidden=9, classes=10), (28, 28, 1)),
    "resnet": (lambda: models.ResNet(2, widths=(2, 4, 8)), (32, 32, 3)),
    "inception": (lambda: models.InceptionNet(width=8), (28, 28, 1)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_ten_scores_for_each_image(name: str, rows: int, dtype: type) -> None:
    make, image = NETWORKS[name]
    model = make()
    x = np.random.default_rng(0).standard_normal((rows, *image)).astype(dtype)
    scores = model.bind(model.init(0, dtype))(x)
    assert scores.shape == (rows, 10)
    assert scores.dtype == dtype


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_matters(name: str) -> None:
    make, image = NETWORKS[name]
    model = make()
    values = model.init(0, np.float64)
    x = np.random.default_rng(0).standard_normal((2, *image))
    before = model.bind(values)(x)
    for path, d in model.declarations().items():
        if isinstance(d, nn.Parameter):
            other = values[path] + np.random.default_rng(1).standard_normal(d.shape)
            changed = model.bind({**values, path: other})(x)
            assert np.abs(changed - before).max() > 1e-9, path


def test_lenet_has_the_weights_of_lenet_5() -> None:
    """156 + 2,416 of convolutions (all 16 maps see all 6), 48,120 + 10,164 + 850 of linear layers."""
    assert weights(models.LeNet5()) == 156 + 2_416 + 48_120 + 10_164 + 850


def test_resnet_20_has_19_convolutions_and_a_linear_layer() -> None:
    shapes = {path: d.shape for path, d in models.ResNet20().declarations().items()}
    layers = [shape for path, shape in shapes.items() if len(shape) == 4 and "shortcut" not in path]
    assert len(layers) == 19
    assert [shape for path, shape in shapes.items() if "shortcut" in path] == [(1, 1, 16, 32), (1, 1, 32, 64)]


def test_resnet_8_is_a_resnet_of_one_block_a_stage() -> None:
    assert [*models.ResNet8().declarations()] == [*models.ResNet(1).declarations()]


def test_each_stage_of_a_resnet_is_half_as_large() -> None:
    model = models.ResNet(2, widths=(2, 4, 8))
    bound = model.bind(model.init(0))
    x, sides = bound.conv(np.zeros((1, 32, 32, 3), np.float32)), []
    for block in bound.blocks:
        x = block(x)
        sides.append(x.shape[1:])
    assert sides == [(32, 32, 2)] * 2 + [(16, 16, 4)] * 2 + [(8, 8, 8)] * 2


def test_an_inception_block_has_its_branches_side_by_side() -> None:
    block = models.Inception(192, Widths(64, 96, 128, 16, 32, 32))  # GoogLeNet's 3a
    convolutions = [d.shape for d in block.declarations().values() if len(d.shape) == 4]
    assert convolutions == [
        *[(1, 1, 192, 64), (1, 1, 192, 96), (3, 3, 96, 128), (1, 1, 192, 16), (5, 5, 16, 32), (1, 1, 192, 32)]
    ]
    assert sum(map(math.prod, convolutions)) == 163_328  # the paper's 159K counts as little less
    assert block.bind(block.init(0))(np.zeros((1, 7, 7, 192), np.float32)).shape == (1, 7, 7, 256)


def test_more_blocks_than_halvings_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        models.Vgg((28, 28, 1), ((4,),) * 5, hidden=8, classes=10)
    assert caught.value.one_line == "Vgg: an image of 28 x 28 cannot be halved 5 times: Give fewer blocks."
