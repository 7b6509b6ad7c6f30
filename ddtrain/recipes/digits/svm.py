"""digits_svm: a support vector machine, linear or with features of a kernel, on handwritten digits of 8×8 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ddtrain.models import KernelClassifier, PolynomialFeatures, RandomFourierFeatures, SoftmaxRegression
from ddtrain.nn import Module
from ddtrain.ops.losses import Hinge
from ddtrain.optim import Sgd
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes import classifier, images
from ddtrain.recipes.picture_options import ClassData, ClassifierConfig
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The kernel."""

    kernel: Literal["linear", "polynomial", "fourier"] = "fourier"
    """linear: of pixels; polynomial: of all products of pixels; fourier: of random waves, for the Gaussian kernel."""
    degree: int = 2
    """Pixels in a product, of polynomial."""
    features: int = 1024
    """Random waves, of fourier."""
    gamma: float = 0.015625
    """Of the kernels: (1 + gamma x · y) ** degree, and exp(-gamma |x - y|²)."""


@dataclass(frozen=True)
class DigitsSvm(ClassifierConfig):
    """A support vector machine on digits; --optim.weight-decay is what keeps its margin wide."""

    run: config.Run = config.Run(epochs=30)
    data: ClassData = ClassData(batch_size=64)
    optim: config.Optim = Sgd(lr=0.3, momentum=0.9, weight_decay=1e-4)
    schedule: config.Schedule = Cosine()
    loss: config.Loss = Hinge()
    model: Model = Model()


def build(settings: DigitsSvm) -> Task:
    """Model, loss and data of the recipe."""
    network = _classifier(settings.model, images.digit_features(settings))
    return classifier.digits(settings, network)


def _classifier(model: Model, features: int) -> Module:
    if model.kernel == "linear":
        return SoftmaxRegression(features, classes=10)
    if model.kernel == "polynomial":
        products = PolynomialFeatures(features, model.degree, model.gamma)
        return KernelClassifier(products, products.features, classes=10)
    return KernelClassifier(RandomFourierFeatures(features, model.features, model.gamma), model.features, classes=10)
