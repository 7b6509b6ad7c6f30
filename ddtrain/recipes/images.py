"""What recipes of pictures share: the two data sets, brought to mean 0 and variance 1."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ddtrain import data
from ddtrain.data.images import Images
from ddtrain.nn import Module
from ddtrain.recipes.common import classify, embedded_only
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Loss, Task

DIGITS = 4.88, 6.02  # mean and deviation of all pixels, whose values are 0..16
FASHION = 255 * 0.2860, 255 * 0.3530  # of all training pixels, whose values are 0..255
FASHION_IMAGE = 28, 28, 1


def digits(settings: Config, model: Module, loss: Loss = classify) -> Task:
    """A model of 8×8 digits as rows of 64 numbers."""
    embedded_only(settings)
    images = data.digits()
    rows = images._replace(x_train=images.x_train.reshape(-1, 64), x_test=images.x_test.reshape(-1, 64))
    return _task(settings, model, loss, rows, DIGITS)


def fashion(settings: Config, model: Module) -> Task:
    """A classifier of 28×28 pictures of clothes, (28, 28, 1)."""
    return _task(settings, model, classify, data.fashion_mnist(settings.data.root), FASHION)


def _task(settings: Config, model: Module, loss: Loss, images: Images, pixels: tuple[float, float]) -> Task:
    normalize = data.Normalize(*pixels, dtype=settings.run.dtype)
    return Task(
        model=model,
        loss=loss,
        train=data.ArrayData(images.x_train, images.y_train, transform=normalize),
        valid=data.ArrayData(images.x_test, images.y_test, transform=normalize),
        about=images.source,
    )


def explained(means: Mapping[str, float]) -> float:
    """The share of the variance of normalised inputs that a mean squared error leaves explained.

    >>> explained({"loss": 0.25})
    0.75
    """
    return 1.0 - means["loss"] if math.isfinite(means["loss"]) else math.nan
