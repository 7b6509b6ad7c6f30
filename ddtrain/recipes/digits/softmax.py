"""digits_softmax: softmax regression, a linear classifier, on 1,797 handwritten digits of 8×8 pixels."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import SoftmaxRegression
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import images
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class DigitsSoftmax(config.Config):
    """Softmax regression on digits."""

    run: config.Run = config.Run(epochs=30)
    data: config.Data = config.Data(batch_size=64)
    optim: config.Optim = Sgd(lr=0.05, momentum=0.9, weight_decay=1e-3)
    schedule: config.Schedule = Cosine()


def build(settings: DigitsSoftmax) -> Task:
    """Model, loss and data of the recipe."""
    return images.digits(settings, SoftmaxRegression(64, classes=10))
