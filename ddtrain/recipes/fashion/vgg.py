"""fashion_vgg: a small network after VGG on Fashion-MNIST, 28×28 pictures of clothes."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import Vgg
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import classifier, images
from ddtrain.recipes.picture_options import ClassData, ClassifierConfig
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The network."""

    widths: tuple[int, ...] = (16, 32, 64)
    """Channels of each block of convolutions, which ends with pooling."""
    depth: int = 2
    """Convolutions in a block."""
    hidden: int = 128
    """Width between the linear layers."""
    dropout: float = 0.25
    """Rate before each linear layer."""


@dataclass(frozen=True)
class FashionVgg(ClassifierConfig):
    """A small network after VGG on Fashion-MNIST."""

    run: config.Run = config.Run(epochs=10)
    data: ClassData = ClassData(batch_size=64)
    optim: config.Optim = Sgd(lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule: config.Schedule = Cosine(warmup_steps=50)
    model: Model = Model()


def build(settings: FashionVgg) -> Task:
    """Model, loss and data of the recipe."""
    model = settings.model
    blocks = tuple((width,) * model.depth for width in model.widths)
    return classifier.fashion(
        settings, Vgg(images.FASHION_IMAGE, blocks, model.hidden, classes=10, dropout=model.dropout)
    )
