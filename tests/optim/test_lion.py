"""Lion: every step has the length of the rate, and one against the mean of those before does not turn it."""

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Optim


def lion(n, **options):
    return optim.make(Optim(name="lion", **options), n, np.float64)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_steps_have_the_length_of_the_rate(size):
    x = np.zeros(3)
    lion(3).apply(x, np.array([size, -size, 0.0]), lr=0.1)
    np.testing.assert_array_equal(x, [-0.1, 0.1, 0.0])


def test_the_step_weighs_the_gradient_more_than_the_memory_does():
    """Of m = 0.01 after one gradient of 1: 0.9 m + 0.1 g turns at g = -0.09, and 0.99 m + 0.01 g would at -0.99."""
    x, optimizer = np.zeros(2), lion(2)
    optimizer.apply(x, np.ones(2), lr=0.1)
    np.testing.assert_allclose(optimizer.state["m"], 0.01, rtol=1e-12)
    optimizer.apply(x, np.array([-0.08, -0.1]), lr=0.1)
    np.testing.assert_allclose(x, [-0.2, 0.0], atol=1e-15)


def test_decay_is_of_the_weights_themselves():
    x, optimizer = np.array([2.0]), lion(1, weight_decay=0.5)
    optimizer.apply(x, np.zeros(1), lr=0.1)
    assert x[0] == pytest.approx(1.9, rel=1e-15)
    assert optimizer.state["m"][0] == 0.0
