"""Networks on the handwritten digits: trained for some steps, judged by images that they have not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

import ddtrain
from ddtrain import nn
from ddtrain.data import Subset
from ddtrain.optim import Sgd
from ddtrain.recipes import classifier
from ddtrain.recipes.digits.mlp import DigitsMlp
from ddtrain.recipes.picture_options import ClassData
from ddtrain.trainer.task import Task
from examples.lectures.training import fitted

_NEVER = 10**6  # epochs or steps: but for the end of the run
TUNING_SEEDS = (101, 102)  # other than those of comparisons


def digits(model: nn.Module, tuning: bool = False, images: int | None = None) -> Task:
    """The digits as rows of 64, all training images or some; to tune on them, a quarter of these is held out and
    judges, else the test images do.
    """
    task = classifier.digits(DigitsMlp(data=ClassData(validation=0.25 if tuning else 0.0)), model)
    return task if images is None else replace(task, train=Subset(task.train, np.arange(images)))


def trained(
    model: nn.Module,
    lr: float,
    seed: int,
    steps: int,
    batch_size: int,
    tuning: bool = False,
    images: int | None = None,
    **options: Any,
) -> ddtrain.Run | None:
    """Train on digits by SGD with momentum 0.9, and evaluate at the end; None where the run diverged."""
    return trained_on(digits(model, tuning, images), lr, seed, steps, batch_size, **options)


def trained_on(task: Task, lr: float, seed: int, steps: int, batch_size: int, **options: Any) -> ddtrain.Run | None:
    """The same on any task."""
    end: dict[str, Any] = {"eval": {"every": _NEVER}, "checkpoint": {"every": _NEVER}}
    return fitted(
        task,
        **end | {"seed": seed, "steps": steps, "epochs": _NEVER, "batch_size": batch_size} | options,
        optim=Sgd(lr=lr, momentum=0.9),
    )


def tested(run: ddtrain.Run | None, task: Task) -> Mapping[str, float]:
    """Loss and accuracy on the test images that neither training nor the search has seen."""
    if run is None:
        return {"loss": math.inf, "accuracy": 0.1}
    return ddtrain.evaluate(run.load(task.model, "last"), task, task.test)


def judged(run: ddtrain.Run | None, figure: str = "valid_loss") -> float:
    """A figure of the evaluation at the end; infinite where the run diverged."""
    return math.inf if run is None else float(run.summary[figure])


def weights(run: ddtrain.Run | None) -> Mapping[str, Any]:
    """Parameters and running statistics at the end, by path; none where the run diverged."""
    return {} if run is None else run.snapshot("last").model


def error(run: ddtrain.Run | None) -> float:
    """Percent of images in a wrong class; what guessing gives where the run diverged."""
    return 90.0 if run is None else 100 - 100 * judged(run, "valid_accuracy")
