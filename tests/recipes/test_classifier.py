"""``--loss.name`` and ``--data.class-weights``: every loss in every recipe of classes, and what does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ddtrain import data, ops
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.ops.losses import CrossEntropy, Loss, classifier_losses
from ddtrain.recipes import RECIPES
from ddtrain.recipes.digits.softmax import DigitsSoftmax, build
from ddtrain.recipes.picture_options import ClassData, ClassifierConfig
from ddtrain.trainer.config.config import Clip, Optim, Run
from ddtrain.trainer.loop import Trainer
from helpers import largest_difference, train
from worlds import World

X = np.random.default_rng(0).standard_normal((6, 64))
LABELS = np.array([0, 1, 2, 3, 9, 9])


def losses(config: Any) -> Any:
    task = build(config)
    model = task.model.bind(task.model.init(0, np.float64))
    return *task.loss(model, X, LABELS), model(X)


def config_of(name: str, optim: Optim) -> DigitsSoftmax:
    return DigitsSoftmax(
        run=Run(dtype="float64"), data=ClassData(batch_size=30), optim=optim, clip=Clip(norm=1.0), loss=Loss(name=name)
    )


@pytest.mark.parametrize("name", classifier_losses())
def test_every_loss_of_labels_learns(name: str) -> None:
    config = config_of(name, Optim(name="adam", lr=0.01))
    means = [line["loss"] for line in train(LocalCommunicator(), 25, config, build(config))["means"]]
    assert np.mean(means[-5:]) < 0.8 * np.mean(means[:2])


@pytest.mark.parametrize("name", classifier_losses())
def test_ranks_are_one_rank(name: str) -> None:
    config = config_of(name, Optim(name="sgd", lr=0.05, momentum=0.9))  # adam would divide rounding by small roots
    body = lambda comm: train(comm, 12, config, build(config))
    alone = body(LocalCommunicator())
    for found in World("threads:3").run(body):
        assert largest_difference(alone, found) <= 1e-12  # sums in another order, of numbers up to 10


def test_the_default_is_the_cross_entropy_it_was() -> None:
    found, metrics, scores = losses(DigitsSoftmax())
    np.testing.assert_array_equal(found, ops.cross_entropy(scores, LABELS))
    np.testing.assert_array_equal(metrics["accuracy"], ops.correct(scores, LABELS))


def test_options_are_those_of_the_loss() -> None:
    found, _, scores = losses(DigitsSoftmax(loss=CrossEntropy(label_smoothing=0.25)))
    np.testing.assert_array_equal(found, ops.cross_entropy(scores, LABELS, label_smoothing=0.25))


def test_balanced_classes_weigh_alike() -> None:
    config = DigitsSoftmax(data=ClassData(class_weights="balanced", validation=0.2))
    found, _, scores = losses(config)
    task = build(config)
    labels = task.train.batch(np.arange(len(task.train)))[1]
    weights = data.class_weights(labels)
    np.testing.assert_allclose(found, ops.cross_entropy(scores, LABELS, weight=weights), rtol=1e-14)
    assert weights.max() > weights.min()
    np.testing.assert_allclose(np.bincount(labels, weights=weights[labels]), len(labels) / 10)


@pytest.mark.parametrize(
    ("options", "weights", "said"),
    [
        ({"name": "hinge"}, "balanced", "with --loss.name hinge, which takes no weights of classes\n.*cross_entropy"),
        ({"weight": (1.0,) * 10}, "balanced", "and --loss.weight both weigh the classes"),
        ({"weight": (1.0,) * 3}, "none", "--loss.weight has 3 numbers, and there are 10 classes"),
        ({"name": "triplet"}, "none", "--loss.name triplet compares several outputs"),
        ({"name": "contrastive"}, "balanced", "--loss.name contrastive compares several outputs"),
    ],
)
def test_what_does_not_go_together(options: dict[str, Any], weights: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build(DigitsSoftmax(loss=Loss(**options), data=ClassData(class_weights=weights)))


@pytest.mark.parametrize("name", classifier_losses())
def test_mixtures_of_labels_are_refused_by_what_takes_whole_ones_alone(name: str) -> None:
    config = DigitsSoftmax(loss=Loss(name=name), data=ClassData(batch_size=8, augment="mixup(classes=10)"))
    if name in ("hinge", "crammer_singer", "binary_hinge", "logistic"):
        with pytest.raises(UsageError, match=rf"mixup\(classes=10\)' with --loss.name {name}, which takes no mixtures"):
            build(config)
    else:
        trainer = Trainer(LocalCommunicator(), config, build(config))
        trainer.mode.gradients(0, np.arange(8))
        assert np.isfinite(trainer.mode.square_norm())
        trainer.mode.wait_for_node()


@pytest.mark.parametrize("name", [n for n, r in RECIPES.items() if isinstance(r.config, ClassifierConfig)])
def test_every_recipe_of_classes_has_the_loss_of_its_section(name: str) -> None:
    config: Any = RECIPES[name].config
    task = RECIPES[name].build(replace(config, loss=Loss(name="hinge", margin=7.0)))
    x, labels = data.batch_of(task.train, np.arange(3), "float32")
    model = task.model.bind(task.model.init(0))
    np.testing.assert_array_equal(task.loss(model, x, labels)[0], ops.hinge(model(x), labels, 7.0))


def test_all_recipes_of_digits_and_clothes_are_of_classes_but_the_autoencoder() -> None:
    of_classes = {name for name, recipe in RECIPES.items() if isinstance(recipe.config, ClassifierConfig)}
    pictures = {name for name in RECIPES if name.startswith(("digits", "fashion"))}
    assert pictures - of_classes == {"digits_autoencoder", "digits_to_words"}
