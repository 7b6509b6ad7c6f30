"""The notebook optimizers: their arithmetic spelled out, and what the callback sees."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad
from ddtrain.autograd.misc.optimizers import adam, rmsprop, sgd, unflatten_optimizer


@pytest.mark.parametrize("optimizer", [sgd, rmsprop, adam])
def test_descends_on_structures(optimizer):
    target = onp.array([1.0, -2.0])
    loss = lambda p, i: np.sum((p["x"] - target) ** 2) + p["y"][0] ** 2
    start = {"x": onp.zeros(2), "y": [3.0]}
    seen = []
    end = optimizer(grad(loss), start, lambda p, i, g: seen.append((i, p, g)), num_iters=300, step_size=0.05)
    assert loss(end, 0) < 1e-3 * loss(start, 0)
    assert [i for i, _, _ in seen] == list(range(300))
    onp.testing.assert_array_equal(seen[0][1]["x"], start["x"])  # before the step
    onp.testing.assert_array_equal(seen[0][2]["x"], -2 * target)
    assert start["y"] == [3.0]


def test_first_steps_by_hand():
    g = lambda x, i: 2 * x
    x = onp.array([1.0])
    assert sgd(g, x, num_iters=1, step_size=0.1, mass=0.9) == pytest.approx(1 - 0.1 * 0.1 * 2)
    assert rmsprop(g, x, None, 1, 0.1, 0.9) == pytest.approx(1 - 0.1 * 2 / 1.3**0.5)
    assert adam(g, x, num_iters=1, step_size=0.1) == pytest.approx(1 - 0.1)  # the first step has unit length


def test_they_take_the_defaults_of_autograd():
    x = onp.ones(2)
    counts = {}
    for optimizer in (sgd, rmsprop, adam):
        optimizer(lambda x, i: 2 * x, x, lambda x, i, g, o=optimizer: counts.__setitem__(o.__name__, i + 1))
    assert counts == {"sgd": 200, "rmsprop": 100, "adam": 100}


def test_an_optimizer_of_ones_own_is_given_vectors_and_the_callback():
    @unflatten_optimizer
    def newton(grad, x, callback=None, scale=1.0):
        g = grad(x, 0)
        if callback:
            callback(x, 0, g)
        return x - scale * g

    seen = []
    end = newton(lambda p, i: {"b": 2 * p["b"], "a": p["a"]}, {"b": 3.0, "a": onp.ones(2)}, lambda *s: seen.append(s))
    assert end["b"] == -3.0
    assert seen[0][0]["b"] == 3.0
    assert seen[0][2]["b"] == 6.0
    assert newton(lambda p, i: p, [4.0], scale=0.5) == [2.0]
