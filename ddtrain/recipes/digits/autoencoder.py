"""digits_autoencoder: an autoencoder with tied weights that gives handwritten digits back through a few numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ddtrain import ops
from ddtrain.models import Autoencoder
from ddtrain.optim import Adam
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import images
from ddtrain.recipes.common import check_activation
from ddtrain.recipes.picture_options import ActivationName, PictureConfig, PictureData
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The network."""

    hidden: tuple[int, ...] = (256, 64)
    """Widths of the layers between pixels and code."""
    code: int = 16
    """Numbers that a digit is squeezed into."""
    tied: bool = True
    """Whether the way back has the transposed weights of the way there."""
    activation: ActivationName = "relu"
    """Of all layers but the code and the output; --list activation says what they are."""


@dataclass(frozen=True)
class DigitsAutoencoder(PictureConfig):
    """An autoencoder of digits; valid_explained is the share of the pixels' variance that it gives back."""

    run: config.Run = config.Run(epochs=60)
    data: PictureData = PictureData(batch_size=64)
    optim: config.Optim = Adam(lr=3e-3)
    schedule: config.Schedule = Cosine(warmup_steps=20)
    model: Model = Model()


def build(settings: DigitsAutoencoder) -> Task:
    """Model, loss and data of the recipe."""
    model = settings.model
    widths = images.digit_features(settings), *model.hidden, model.code
    check_activation(model.activation)
    task = images.digits(settings, Autoencoder(widths, model.tied, model.activation), lambda _: _squared)
    figure = images.explained_of(task.valid) if task.fitted and task.valid else images.explained
    return replace(task, derived={"explained": figure})


def _squared(model: Any, x: Any, labels_N: Any) -> Any:
    """The mean squared error of each digit's pixels; what digit it is does not matter."""
    return ops.squared_error(model(x), x)
