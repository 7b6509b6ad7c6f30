"""digits_softmax: softmax regression, a linear classifier, on 1,797 handwritten digits of 8×8 pixels."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import SoftmaxRegression
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import classifier, images
from ddtrain.recipes.picture_options import ClassData, ClassifierConfig
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class DigitsSoftmax(ClassifierConfig):
    """Softmax regression on digits."""

    run: config.Run = config.Run(epochs=30)
    data: ClassData = ClassData(batch_size=64)
    optim: config.Optim = Sgd(lr=0.05, momentum=0.9, weight_decay=1e-3)
    schedule: config.Schedule = Cosine()


def build(settings: DigitsSoftmax) -> Task:
    """Model, loss and data of the recipe."""
    return classifier.digits(settings, SoftmaxRegression(images.digit_features(settings), classes=10))
