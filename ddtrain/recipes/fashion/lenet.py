"""fashion_lenet: LeNet-5 on Fashion-MNIST, 28×28 pictures of clothes."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import LeNet5
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import classifier
from ddtrain.recipes.picture_options import ClassData, ClassifierConfig
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class FashionLenet(ClassifierConfig):
    """LeNet-5 on Fashion-MNIST."""

    run: config.Run = config.Run(epochs=10)
    data: ClassData = ClassData(batch_size=64)
    optim: config.Optim = Sgd(lr=0.03, momentum=0.9, weight_decay=5e-4)
    schedule: config.Schedule = Cosine(warmup_steps=50)


def build(settings: FashionLenet) -> Task:
    """Model, loss and data of the recipe."""
    return classifier.fashion(settings, LeNet5())
