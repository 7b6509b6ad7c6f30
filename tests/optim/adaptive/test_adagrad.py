"""AdaGrad: rates fall with all that was gathered, element by element."""

import numpy as np

from ddtrain import optim
from ddtrain.optim import Optim


def test_steps_of_a_gradient_that_stays_fall_with_the_root_of_their_number():
    x, adagrad = np.zeros(2), optim.make(Optim(name="adagrad"), 2, np.float64)
    for t in range(1, 10):
        before = x.copy()
        adagrad.apply(x, np.array([1e-3, -50.0]), lr=0.5)
        np.testing.assert_allclose(before - x, np.array([0.5, -0.5]) / t**0.5, rtol=1e-6)


def test_an_element_without_gradients_keeps_its_whole_rate():
    """So a rare feature takes large steps: what AdaGrad is for."""
    x, adagrad = np.zeros(2), optim.make(Optim(name="adagrad"), 2, np.float64)
    for _ in range(99):
        adagrad.apply(x, np.array([1.0, 0.0]), lr=0.1)
    before = x.copy()
    adagrad.apply(x, np.ones(2), lr=0.1)
    np.testing.assert_allclose(before - x, [0.01, 0.1], rtol=1e-6)
