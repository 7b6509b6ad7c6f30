"""Several losses in one: their sum, their gradients, and what is logged, through a whole training step."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as onp

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import grad
from ddtrain.trainer.step.loss_output import LossOutput

X = onp.random.default_rng(0).standard_normal((4, 3))


def test_the_weighted_sum_and_each_without_its_weight():
    a, b = ops.l1_penalty(X), ops.l2_penalty(X)
    total, metrics = ops.combine_losses({"a": a, "b": b}, {"b": 0.25})
    onp.testing.assert_array_equal(total, a + 0.25 * b)
    assert list(metrics) == ["a", "b"]
    onp.testing.assert_array_equal(metrics["b"], b)
    assert ops.combine_losses({"a": X.astype(onp.float32)[:, 0]}, {"a": 0.5})[0].dtype == onp.float32


def test_what_has_no_weight_has_no_gradient_even_if_it_is_not_finite():
    def total(x):
        return np.sum(ops.combine_losses({"a": ops.l1_penalty(x), "b": ops.l2_penalty(x) / 0.0}, {"b": 0})[0])

    with onp.errstate(divide="ignore"):
        onp.testing.assert_allclose(grad(total)(X), onp.sign(X) / 3, rtol=1e-14)


def test_the_trainer_takes_it_as_it_is():
    def loss(model, x):
        return ops.combine_losses({"fit": ops.squared_error(x, 0 * x), "hidden": ops.l1_penalty(x)}, {"hidden": 2.0})

    seen = LossOutput(loss)

    def step(x):
        losses, step.metrics = seen.read(loss(SimpleNamespace(), x), rows=4)
        return np.sum(losses)

    onp.testing.assert_allclose(grad(step)(X), 2 * X / 3 + 2 * onp.sign(X) / 3, rtol=1e-12)
    assert seen.names == ("fit", "hidden")
    assert all(type(m) is onp.ndarray for m in step.metrics.values())
