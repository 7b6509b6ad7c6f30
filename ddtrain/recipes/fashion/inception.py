"""fashion_inception: Inception blocks after GoogLeNet on Fashion-MNIST, 28×28 pictures of clothes."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import InceptionNet
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import classifier
from ddtrain.recipes.picture_options import ClassData, ClassifierConfig
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The network."""

    width: int = 16
    """Channels of the stem; the four blocks have 2, 3, 4 and 5 times as many."""
    dropout: float = 0.25
    """Rate before the linear layer."""


@dataclass(frozen=True)
class FashionInception(ClassifierConfig):
    """Inception blocks after GoogLeNet on Fashion-MNIST."""

    run: config.Run = config.Run(epochs=8)
    data: ClassData = ClassData(batch_size=64)
    optim: config.Optim = Sgd(lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule: config.Schedule = Cosine(warmup_steps=50)
    model: Model = Model()


def build(settings: FashionInception) -> Task:
    """Model, loss and data of the recipe."""
    model = settings.model
    return classifier.fashion(settings, InceptionNet(width=model.width, dropout=model.dropout))
