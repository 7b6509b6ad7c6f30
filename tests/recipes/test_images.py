"""Pictures that recipes share: normalised, in the run's dtype, as rows or as images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.recipes import classifier, images
from ddtrain.recipes.picture_options import ClassifierConfig, PictureConfig
from ddtrain.trainer.config.config import Run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("make", "shape"), [(classifier.digits, (64,)), (classifier.fashion, (28, 28, 1))])
def test_pictures_have_mean_0_and_variance_1(make: Any, shape: tuple[int, ...], dtype: Any) -> None:
    task = make(ClassifierConfig(run=Run(dtype=dtype)), nn.Linear(1, 1))
    x, y = task.train.batch(np.arange(1000))
    assert (x.shape, x.dtype) == ((1000, *shape), dtype)
    assert abs(x.mean()) < 0.05
    assert abs(x.std() - 1) < 0.05
    assert set(y) == set(range(10))
    assert task.about
    assert task.fitted == {}, "of two known numbers, and of no data"


def test_a_loss_of_ones_own_is_the_tasks() -> None:
    loss = lambda model, x, labels: x.sum(axis=1)
    assert images.digits(PictureConfig(), nn.Linear(1, 1), lambda _: loss).loss is loss
