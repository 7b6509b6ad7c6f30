"""fashion_resnet20: the residual network of 20 layers on Fashion-MNIST, 28×28 pictures of clothes."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import ResNet20
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import classifier
from ddtrain.recipes.picture_options import ClassData, ClassifierConfig
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The network."""

    widths: tuple[int, int, int] = (16, 32, 64)
    """Channels of the three stages."""


@dataclass(frozen=True)
class FashionResnet20(ClassifierConfig):
    """The residual network of 20 layers on Fashion-MNIST."""

    run: config.Run = config.Run(epochs=4)
    data: ClassData = ClassData(batch_size=64)
    optim: config.Optim = Sgd(lr=0.1, momentum=0.9, weight_decay=5e-4)
    schedule: config.Schedule = Cosine(warmup_steps=50)
    model: Model = Model()


def build(settings: FashionResnet20) -> Task:
    """Model, loss and data of the recipe."""
    return classifier.fashion(settings, ResNet20(widths=settings.model.widths, channels=1))
