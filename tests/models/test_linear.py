"""Linear models are their formula, and classify what a line divides."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import grad, models, ops

X = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]])


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_regression_gives_one_number_a_sample(rows: int) -> None:
    model = models.LinearRegression(2)
    v = model.init(0, np.float64)
    y = model.bind(v)(X[:rows])
    np.testing.assert_allclose(y, X[:rows] @ v["linear.weight"][:, 0] + v["linear.bias"][0], rtol=1e-14)


def test_least_squares_are_where_the_gradient_is_zero() -> None:
    model, y = models.LinearRegression(2), np.array([1.0, -2.0, 0.5])
    best = np.linalg.lstsq(np.c_[X, np.ones(3)], y)[0]
    values = {"linear.weight": best[:2, None], "linear.bias": best[2:]}
    g = grad(lambda v: ops.squared_error(model.bind(v)(X), y).sum())(values)
    assert max(np.abs(x).max() for x in g.values()) < 1e-12


def test_logistic_regression_learns_which_side_of_a_line() -> None:
    model, labels = models.LogisticRegression(2), np.array([1, 0, 1])
    v = model.init(0, np.float64)
    loss = lambda v: ops.binary_cross_entropy_with_logits(model.bind(v)(X), labels.astype(float)).sum()
    for _ in range(200):
        v = {name: x - 0.5 * g for (name, x), g in zip(v.items(), grad(loss)(v).values(), strict=True)}
    assert ((model.bind(v)(X) > 0) == labels).all()


def test_softmax_regression_of_two_classes_is_logistic_regression() -> None:
    two, one = models.SoftmaxRegression(2, classes=2), models.LogisticRegression(2)
    v = two.init(0, np.float64)
    w, b = v["linear.weight"], v["linear.bias"]
    logit = one.bind({"linear.weight": w[:, 1:] - w[:, :1], "linear.bias": b[1:] - b[:1]})(X)
    np.testing.assert_allclose(ops.softmax(two.bind(v)(X))[:, 1], ops.sigmoid(logit), rtol=1e-12)
