"""Fused operations: kernels under one plain reverse trace, the composition under everything else."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, fused, grad, hvp, jvp, vjp
from ddtrain.autodiff.core.primitives import PRIMITIVES

X, W = onp.array([[0.3, -0.8], [1.0, 0.2], [0.5, 0.5]]), onp.array([[0.7, -1.1], [0.4, 0.9]])


@pytest.fixture
def layer():
    """tanh(x @ w) with kernels that count their calls."""
    calls = []

    def tanh_layer(x, w):
        return np.tanh(x @ w)

    def forward(x, w):
        calls.append("forward")
        y = onp.tanh(x @ w)
        return y, y

    def backward(needs, g, y, x, w):
        calls.append(f"backward {needs}")
        inner = g * (1 - y * y)
        return [inner @ w.T if i == 0 else x.T @ inner for i in needs]

    prim = fused(tanh_layer, forward, backward)
    PRIMITIVES.remove(prim)
    prim.calls = calls
    return prim


def test_kernels_run_once_each_under_a_gradient(layer):
    grad(lambda w: np.sum(layer(X, w)))(W)
    assert layer.calls == ["forward", "backward (1,)"]


def test_same_gradient_as_the_composition(layer):
    for a, b in zip(vjp(layer, X, W)[1](X), vjp(layer.compose, X, W)[1](X)):
        onp.testing.assert_allclose(a, b, rtol=1e-14)


def test_to_third_order_in_every_mode(layer):
    check_grads(layer, order=3)(X, W)


def test_forward_mode_and_nested_modes_compose(layer):
    jvp(layer, (X, W), (X, W))
    hvp(lambda w: np.sum(layer(X, w)), (W,), W)
    assert not [call for call in layer.calls if call.startswith("backward")]


def test_a_differentiated_cotangent_goes_through_the_composition(layer):
    pull = vjp(layer, X, W)[1]
    other = grad(lambda g: np.sum(pull(g)[1] ** 2))(X)
    expected = grad(lambda g: np.sum(vjp(layer.compose, X, W)[1](g)[1] ** 2))(X)
    onp.testing.assert_allclose(other, expected, rtol=1e-13)


def test_without_a_trace_only_the_forward_kernel_runs(layer):
    assert isinstance(layer(X, W), onp.ndarray)
    assert layer.calls == ["forward"]
