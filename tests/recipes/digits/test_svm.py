"""The support vector machine: its kernel and its margin are those of its section."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.recipes.digits.svm import DigitsSvm, Model, build

WIDTHS = {"linear": 64, "polynomial": 66 * 65 // 2, "fourier": 77}


@pytest.mark.parametrize("kernel", WIDTHS)
def test_the_classifier_is_as_wide_as_its_features(kernel: str) -> None:
    task = build(DigitsSvm(model=Model(kernel=kernel, features=77)))  # type: ignore[arg-type]
    shapes = [d.shape for path, d in task.model.declarations().items() if path.endswith("linear.weight")]
    assert shapes == [(WIDTHS[kernel], 10)]


@pytest.mark.parametrize("loss", ["hinge", "crammer_singer"])
def test_the_loss_is_that_of_the_section(loss: str) -> None:
    task = build(DigitsSvm(model=Model(kernel="linear", loss=loss)))  # type: ignore[arg-type]
    x, labels = task.train.batch(np.arange(6))
    model = task.model.bind(task.model.init(0))
    losses, metrics = task.loss(model, x, labels)
    np.testing.assert_array_equal(losses, getattr(ops, loss)(model(x), labels))
    np.testing.assert_array_equal(metrics["accuracy"], ops.correct(model(x), labels))
