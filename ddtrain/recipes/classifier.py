"""What recipes of classifiers of pictures share: the loss that an option names, weights of classes, the accuracy."""

# N samples, K classes

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ddtrain import data, ops
from ddtrain.data.augment import Mixup, parse
from ddtrain.data.images import CLASSES, Images
from ddtrain.errors import ShapeError, UsageError, quoted
from ddtrain.nn import Module
from ddtrain.ops.losses import CrossEntropy, Loss, check_classifier_loss, classifier_loss
from ddtrain.recipes import images
from ddtrain.recipes.picture_options import ClassifierConfig
from ddtrain.trainer.task import Loss as LossFunction
from ddtrain.trainer.task import Task


def digits(settings: ClassifierConfig, model: Module) -> Task:
    """A classifier of 8×8 digits as rows of :func:`ddtrain.recipes.images.digit_features` numbers.

    Raises
    ------
    UsageError : the loss is no classifier's, or takes no weights where there are to be some
    """
    return replace(images.digits(settings, model, _loss(settings)), logits=isinstance(settings.loss, CrossEntropy))


def fashion(settings: ClassifierConfig, model: Module) -> Task:
    """A classifier of 28×28 pictures of clothes, (28, 28, 1).

    Raises
    ------
    UsageError : as :func:`digits`, or ``--data.inputs`` would make rows of the pictures
    """
    return replace(images.fashion(settings, model, _loss(settings)), logits=isinstance(settings.loss, CrossEntropy))


def _loss(settings: ClassifierConfig) -> Callable[[Images], LossFunction]:
    """The loss, of the training images, and whether the class of the largest score is the right one."""
    check_classifier_loss(settings.loss)
    _check_mixtures(settings.loss, settings.data.augment)
    _check_weights(settings.loss, settings.data.class_weights == "balanced")
    if settings.data.class_weights == "none":
        return lambda _: _scored(settings.loss)

    def weighted(pictures: Images) -> LossFunction:
        weight_K = data.class_weights(pictures.y_train, CLASSES)
        return _scored(replace(settings.loss, weight=tuple(weight_K.tolist())))  # type: ignore[call-arg]

    return weighted


def _scored(loss: Loss) -> LossFunction:
    def scored(model: Any, x: Any, labels_N: Any) -> tuple[Any, dict[str, Any]]:
        scores_NK = model(x)
        return classifier_loss(loss, scores_NK, labels_N), {"accuracy": ops.correct(scores_NK, labels_N)}

    return scored


def _check_mixtures(loss: Loss, augment: str) -> None:
    """Raise where labels are mixed, and the loss takes whole ones alone."""
    if any(isinstance(stage, Mixup) for stage in parse(augment)):
        evenly_NK = np.full((1, CLASSES), 1 / CLASSES)
        try:
            classifier_loss(loss, evenly_NK, evenly_NK)
        except ShapeError:
            raise UsageError(
                f"--data.augment {quoted(augment)} with --loss.name {loss.name}, which takes no mixtures of labels",
                remedy="Leave mixup out, or give cross_entropy, say.",
            ) from None


def _check_weights(loss: Loss, balanced: bool) -> None:
    given, option = len(getattr(loss, "weight", ())), "--data.class-weights balanced"
    if given not in (0, CLASSES):
        raise UsageError(
            f"--loss.weight has {given} numbers, and there are {CLASSES} classes", remedy="Give one a class, or none."
        )
    if balanced and "weight" not in loss.options():
        raise UsageError(
            f"{option} with --loss.name {loss.name}, which takes no weights of classes",
            remedy=f"Leave it out, or give {', '.join(loss.having('weight'))}.",
        )
    if balanced and given:
        raise UsageError(f"{option} and --loss.weight both weigh the classes", remedy="Give one of them.")
