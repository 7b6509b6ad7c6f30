"""Adam's steps do not depend on the size of gradients; AdamW decays the weights beside them, and not through them."""

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Optim


@pytest.mark.parametrize("name", ["adam", "adamw"])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_every_step_of_a_gradient_that_stays_has_the_length_of_the_rate(name, size):
    """Both moments are corrected for their start at zero: without that, the first steps would differ from the last."""
    x, adam = np.zeros(2), optim.make(Optim(name=name, weight_decay=0.0, eps=1e-12), 2, np.float64)
    for t in range(1, 6):
        adam.apply(x, np.array([size, -size]), lr=0.1)
        np.testing.assert_allclose(x, [-0.1 * t, 0.1 * t], rtol=1e-7)


def test_decay_of_adamw_is_the_rates_and_leaves_the_moments_alone():
    x, adamw = np.array([2.0, -4.0]), optim.make(Optim(name="adamw", weight_decay=0.1), 2, np.float64)
    for t in range(1, 4):
        adamw.apply(x, np.zeros(2), lr=0.5)
        np.testing.assert_allclose(x, np.array([2.0, -4.0]) * 0.95**t, rtol=1e-14)
    assert not adamw.state["m"].any()
    assert not adamw.state["v"].any()


def test_decay_of_adam_is_a_gradient_and_so_of_the_rates_length():
    x, adam = np.array([2.0, -4.0]), optim.make(Optim(name="adam", weight_decay=0.1), 2, np.float64)
    adam.apply(x, np.zeros(2), lr=0.5)
    np.testing.assert_allclose(x, [1.5, -3.5], rtol=1e-6)


def test_eps_stands_after_the_root():
    x, adam = np.zeros(1), optim.make(Optim(name="adam", eps=1.0), 1, np.float64)
    adam.apply(x, np.array([3.0]), lr=1.0)
    assert x[0] == pytest.approx(-3.0 / (3.0 + 1.0), rel=1e-12)
