"""digits_mlp: a perceptron with synchronised batch-norm on 1,797 handwritten digits of 8×8 pixels."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import Mlp
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

    hidden: tuple[int, ...] = (128, 64)
    """Widths of the hidden layers."""
    dropout: float = 0.1
    """Rate after each hidden layer."""
    activation: ActivationName = "relu"
    """Of each hidden layer; --list activation says what they are."""
    norm: NormPlace = "before"
    """Where batch-norm stands: before each activation, after it, or none."""


@dataclass(frozen=True)
class DigitsMlp(ClassifierConfig):
    """A perceptron on digits: seconds to train, 97 % and more."""

    run: config.Run = config.Run(epochs=30)
    data: ClassData = ClassData(batch_size=64)
    optim: config.Optim = Sgd(lr=0.1, momentum=0.9, weight_decay=1e-4)
    schedule: config.Schedule = Cosine(warmup_steps=20)
    model: Model = Model()


def build(settings: DigitsMlp) -> Task:
    """Model, loss and data of the recipe."""
    model = settings.model
    widths = images.digit_features(settings), *model.hidden, 10
    check_activation(model.activation)
    return classifier.digits(settings, Mlp(widths, model.norm, model.dropout, model.activation))
