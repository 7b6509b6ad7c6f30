"""Linear models: regression, and classifiers of two and of several classes. The loss is what tells them apart."""

# N samples, D inputs, K classes
from __future__ import annotations

from ddtrain import nn


class LinearRegression(nn.Module):
    """``x @ w + b``, one number a sample, for squared errors (``ops.squared_error``).

    Parameters
    ----------
    d : D

    >>> import numpy as np
    >>> model = LinearRegression(2)
    >>> model.bind({"linear.weight": np.array([[1.0], [2.0]]), "linear.bias": np.array([3.0])})(np.eye(2))
    array([4., 5.])
    """

    def __init__(self, d: int) -> None:
        self.linear = nn.Linear(d, 1)

    def forward(self, x_ND: nn.Array) -> nn.Array:
        return self.linear(x_ND)[:, 0]


class LogisticRegression(LinearRegression):
    """The score ``x @ w + b`` whose sigmoid is the probability of one of two classes.

    For labels of 0 and 1 the loss is ``ops.binary_cross_entropy_with_logits``, for -1 and 1 ``ops.logistic_loss``.

    >>> list(LogisticRegression(2).declarations())
    ['linear.weight', 'linear.bias']
    """


class SoftmaxRegression(nn.Module):
    """Scores ``x @ W + b`` of K classes, whose softmax is their probability (``ops.cross_entropy``).

    With the loss ``ops.hinge`` it is a linear support vector machine.

    Parameters
    ----------
    d : D
    classes : K

    >>> import numpy as np
    >>> model = SoftmaxRegression(2, classes=3)
    >>> model.bind(model.init())(np.ones((5, 2))).shape
    (5, 3)
    """

    def __init__(self, d: int, classes: int) -> None:
        self.linear = nn.Linear(d, classes)

    def forward(self, x_ND: nn.Array) -> nn.Array:
        return self.linear(x_ND)
