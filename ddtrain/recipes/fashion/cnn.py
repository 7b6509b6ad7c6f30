"""fashion_cnn: a convolutional network with synchronised batch-norm on Fashion-MNIST, 28×28 pictures of clothes."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import Cnn
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import classifier, images
from ddtrain.recipes.common import check_activation
from ddtrain.recipes.picture_options import ActivationName, ClassData, ClassifierConfig, NormPlace
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The network."""

    widths: tuple[int, ...] = (16, 32)
    """Channels of each block of convolution, batch-norm, activation and pooling."""
    dropout: float = 0.25
    """Rate before the linear layer."""
    activation: ActivationName = "relu"
    """Of each block; --list activation says what they are."""
    norm: NormPlace = "before"
    """Where batch-norm stands: before each activation, after it, or none."""


@dataclass(frozen=True)
class FashionCnn(ClassifierConfig):
    """A convolutional network on Fashion-MNIST: the default job."""

    run: config.Run = config.Run(epochs=10)
    data: ClassData = ClassData(batch_size=64)
    optim: config.Optim = Sgd(lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule: config.Schedule = Cosine(warmup_steps=50)
    model: Model = Model()


def build(settings: FashionCnn) -> Task:
    """Model, loss and data of the recipe."""
    model = settings.model
    check_activation(model.activation)
    network = Cnn(
        images.FASHION_IMAGE,
        model.widths,
        classes=10,
        dropout=model.dropout,
        batch_norm=model.norm,
        activation=model.activation,
    )
    return classifier.fashion(settings, network)
