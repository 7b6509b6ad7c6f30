"""AdaMax: divided by the largest gradient, which fades by beta2 a step."""

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Optim


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_every_step_of_a_gradient_that_stays_has_the_length_of_the_rate(size):
    x, adamax = np.zeros(2), optim.make(Optim(name="adamax", eps=1e-12), 2, np.float64)
    for t in range(1, 6):
        adamax.apply(x, np.array([size, -size]), lr=0.1)
        np.testing.assert_allclose(x, [-0.1 * t, 0.1 * t], rtol=1e-8)


def test_the_largest_gradient_fades_until_another_is_larger():
    x, adamax = np.zeros(1), optim.make(Optim(name="adamax", beta2=0.5, eps=1e-12), 1, np.float64)
    found = []
    for g in (8.0, -1.0, 0.0, 1.5, -3.0):
        adamax.apply(x, np.array([g]), lr=0.1)
        found.append(float(adamax.state["largest"][0]))
    assert found == pytest.approx([8.0, 4.0, 2.0, 1.5, 3.0], rel=1e-9)
