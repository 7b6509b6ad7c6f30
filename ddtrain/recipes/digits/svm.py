"""digits_svm: a support vector machine, linear or with features of a kernel, on handwritten digits of 8×8 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ddtrain import ops
from ddtrain.models import KernelClassifier, PolynomialFeatures, RandomFourierFeatures, SoftmaxRegression
from ddtrain.nn import Module
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import images
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The kernel, and the loss."""

    kernel: Literal["linear", "polynomial", "fourier"] = "fourier"
    """linear: of pixels; polynomial: of all products of pixels; fourier: of random waves, for the Gaussian kernel."""
    degree: int = 2
    """Pixels in a product, of polynomial."""
    features: int = 1024
    """Random waves, of fourier."""
    gamma: float = 0.015625
    """Of the kernels: (1 + gamma x · y) ** degree, and exp(-gamma |x - y|²)."""
    loss: Literal["hinge", "crammer_singer"] = "hinge"
    """hinge: every class within the margin costs; crammer_singer: the best wrong one alone."""


@dataclass(frozen=True)
class DigitsSvm(config.Config):
    """A support vector machine on digits; --optim.weight-decay is what keeps its margin wide."""

    run: config.Run = config.Run(epochs=30)
    data: config.Data = config.Data(batch_size=64)
    optim: config.Optim = Sgd(lr=0.3, momentum=0.9, weight_decay=1e-4)
    schedule: config.Schedule = Cosine()
    model: Model = Model()


def build(settings: DigitsSvm) -> Task:
    """Model, loss and data of the recipe."""
    margin = {"hinge": ops.hinge, "crammer_singer": ops.crammer_singer}[settings.model.loss]

    def loss(model: Any, x: Any, labels_N: Any) -> tuple[Any, dict[str, Any]]:
        scores_NK = model(x)
        return margin(scores_NK, labels_N), {"accuracy": ops.correct(scores_NK, labels_N)}

    return images.digits(settings, _classifier(settings.model), loss)


def _classifier(model: Model) -> Module:
    if model.kernel == "linear":
        return SoftmaxRegression(64, classes=10)
    if model.kernel == "polynomial":
        products = PolynomialFeatures(64, model.degree, model.gamma)
        return KernelClassifier(products, products.features, classes=10)
    return KernelClassifier(RandomFourierFeatures(64, model.features, model.gamma), model.features, classes=10)
