"""A quadratic of condition 10,000: the textbook's narrow valley, turned so that no axis points along it.

An optimizer that scales every coordinate by itself would undo the condition of a diagonal matrix, and only of that.
"""

from __future__ import annotations

from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain import rng
from ddtrain.data import ArrayData
from ddtrain.nn import Module, param
from ddtrain.trainer.task import Task

SIZE = 100  # length of the vector
CONDITION = 1e4  # largest eigenvalue, which is 1, over the smallest


class Point(Module):
    """A vector of parameters that begins at ``start``."""

    def __init__(self, start: Any) -> None:
        self.x = param(start.shape, lambda generator, shape: start)


def task() -> Task:
    """½ xᵀ A x, one unit away from the minimum along every eigenvector; a single sample, for training and evaluation.

    The eigenvalues of A are spaced evenly on a logarithmic scale, and the minimum is 0 at x = 0.

    >>> quadratic = task()
    >>> quadratic.loss(quadratic.model.bind({"x": onp.zeros(SIZE)}), onp.ones(1))
    array([0.])
    """
    eigenvalues = onp.geomspace(1 / CONDITION, 1.0, SIZE)
    directions = onp.linalg.qr(rng.stream(0, "bench quadratic").standard_normal((SIZE, SIZE)))[0]  # in columns
    root = (onp.sqrt(eigenvalues)[:, None] * directions.T).astype(onp.float32)  # rootᵀ root = A

    def loss(model: Any, weight_N: Any) -> Any:
        return weight_N * (0.5 * np.sum(np.dot(root, model.x) ** 2))

    sample = ArrayData(onp.ones(1, onp.float32))
    about = f"½ xᵀ A x of {SIZE} numbers, A of condition {CONDITION:g}"
    return Task(Point(directions.sum(axis=1)), loss, train=sample, valid=sample, about=about)
