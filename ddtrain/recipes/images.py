"""What recipes of pictures share: the two data sets, prepared as an option says, and what is held out of them.

By default pixels are brought to mean 0 and variance 1 by two numbers that are known of each data set.
"""

# N images, H height, W width, C = 1 channel

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import data
from ddtrain.data.images import CLASSES, Images
from ddtrain.data.inputs import PreparedInputs, parse
from ddtrain.errors import UsageError, quoted
from ddtrain.nn import Module
from ddtrain.recipes.common import embedded_only
from ddtrain.recipes.picture_options import PictureConfig
from ddtrain.trainer.evaluation.samples import grey_pictures
from ddtrain.trainer.task import Loss, Task

DIGITS = 4.88, 6.02  # mean and deviation of all pixels, whose values are 0..16
FASHION = 255 * 0.2860, 255 * 0.3530  # of all training pixels, whose values are 0..255
FASHION_IMAGE = 28, 28, 1
FASHION_NAMES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_DIGITS_IMAGE = 8, 8, 1

Transform = Callable[[NDArray[Any]], NDArray[Any]]


def digit_features(settings: PictureConfig) -> int:
    """The numbers that a digit is made of, once it is prepared: its 64 pixels, or what is kept of them."""
    inputs = parse(settings.data.inputs)
    return math.prod(inputs.shape(_DIGITS_IMAGE) if inputs else _DIGITS_IMAGE)


def digits(settings: PictureConfig, model: Module, loss: Callable[[Images], Loss]) -> Task:
    """A model of 8×8 digits as rows of :func:`digit_features` numbers; its loss may depend on the training samples.

    With ``--data.validation`` the test images are left for tests.
    """
    embedded_only(settings)
    whole = data.digits()
    images = _held_out(settings, whole)
    return _task(settings, model, loss(images), images, whole, DIGITS, _rows)


def fashion(settings: PictureConfig, model: Module, loss: Callable[[Images], Loss]) -> Task:
    """A model of 28×28 pictures of clothes, (28, 28, 1).

    Raises
    ------
    UsageError : ``--data.inputs`` would make rows of the pictures
    """
    inputs = parse(settings.data.inputs)
    if inputs and inputs.shape(FASHION_IMAGE) != FASHION_IMAGE:
        raise UsageError(
            f"--data.inputs {quoted(settings.data.inputs)} makes rows of pictures, and a convolution takes pictures",
            remedy="Give zca=True, which turns them back.",
        )
    whole = data.fashion_mnist(settings.data.root)
    images = _held_out(settings, whole)
    task = _task(settings, model, loss(images), images, whole, FASHION, lambda transform: transform)
    return replace(task, class_names=FASHION_NAMES)


def _held_out(settings: PictureConfig, images: Images) -> Images:
    """The images, or with ``--data.validation`` the training images alone, divided by class."""
    share, x, y = settings.data.validation, images.x_train, images.y_train
    if not share:
        return images
    train, valid = data.split_indices(len(x), (1 - share, share), settings.run.seed, y)
    source = f"{images.source}, of the first {len(valid):,} held out for evaluations"
    return Images(x[train], y[train], x[valid], y[valid], source)


def _task(
    settings: PictureConfig,
    model: Module,
    loss: Loss,
    images: Images,
    whole: Images,
    pixels: tuple[float, float],
    shaped: Callable[[Transform], Transform],
) -> Task:
    inputs, dtype = parse(settings.data.inputs), settings.run.dtype
    prepared = PreparedInputs(inputs, data.ArrayData(images.x_train), dtype) if inputs else None
    transform = shaped(prepared or data.Normalize(*pixels, dtype=dtype))
    height, width = images.x_train.shape[1:3]
    return Task(
        model=model,
        loss=loss,
        train=data.ArrayData(images.x_train, images.y_train, transform=transform),
        valid=data.ArrayData(images.x_test, images.y_test, transform=transform),
        about=images.source,
        classes=CLASSES,
        fitted={"inputs": prepared} if prepared else {},
        test=data.ArrayData(whole.x_test, whole.y_test, transform=transform) if settings.data.validation else None,
        show=lambda x, *labels: _pictures(x, height, width),
    )


def _pictures(x: NDArray[Any], height: int, width: int) -> list[Any]:
    """Prepared samples as grey pictures, or as numbers in a text where a preparation has left no pictures."""
    if x[0].size == height * width:
        return list(grey_pictures(x.reshape(-1, height, width)))
    return [", ".join(f"{number:.3g}" for number in row.ravel()) for row in x]


def _rows(transform: Transform) -> Transform:
    """The transform, and after it one row a sample."""

    def rows(x_NHWC: NDArray[Any]) -> NDArray[Any]:
        y = transform(x_NHWC)
        return y.reshape(len(y), math.prod(y.shape[1:]))

    return rows


def explained(means: Mapping[str, float]) -> float:
    """The share of the variance of normalised inputs that a mean squared error leaves explained.

    >>> explained({"loss": 0.25})
    0.75
    """
    return 1.0 - means["loss"] if math.isfinite(means["loss"]) else math.nan


def explained_of(dataset: data.Dataset) -> Callable[[Mapping[str, float]], float]:
    """The same of inputs whose variance is not known to be 1: it is computed when it is first asked for."""

    @functools.cache
    def variance() -> float:
        x = np.asarray(dataset.batch(np.arange(len(dataset)))[0], np.float64)
        return float(x.var(axis=0).mean())

    return lambda means: explained({"loss": means["loss"] / variance()})
