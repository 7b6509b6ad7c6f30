"""The default recipe: pictures of clothes from the package, and the network of its section."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddtrain.errors import DataError
from ddtrain.recipes.fashion.cnn import FashionCnn, Model, build
from ddtrain.trainer.config.config import Data


def test_pictures_are_normalised_and_shaped_for_the_network() -> None:
    task = build(FashionCnn())
    x, y = task.train.batch(np.arange(500))
    assert (x.shape, x.dtype) == ((500, 28, 28, 1), np.float32)
    assert abs(x.mean()) < 0.1
    assert abs(x.std() - 1) < 0.1
    assert set(y) == set(range(10))
    losses, metrics = task.loss(task.model.bind(task.model.init(0)), x[:8], y[:8])
    assert losses.shape == metrics["accuracy"].shape == (8,)
    assert np.mean(losses) == pytest.approx(np.log(10), abs=1.0), "before training it knows nothing"


def test_the_network_is_as_wide_as_the_section_says() -> None:
    model = build(FashionCnn(model=Model(widths=(3, 5, 7)))).model
    assert model.declarations()["head.weight"].shape == (3 * 3 * 7, 10)


def test_a_directory_without_the_files_is_an_error_and_not_other_data(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        build(FashionCnn(data=Data(root=str(tmp_path))))


def test_activation_and_norm_are_the_sections() -> None:
    model = build(FashionCnn(model=Model(widths=(3,), activation="elu", norm="none"))).model
    assert [type(layer).__name__ for _, layer in model.features.children()] == ["Conv2d", "ELU", "MaxPool2d"]
