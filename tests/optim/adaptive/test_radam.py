"""RAdam: momentum while the variance of the second moment is unbounded, and then Adam's scale-free steps."""

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Optim

MOMENTUM_STEPS = 5  # with beta2 = 0.999 the sixth is the first whose approximated length exceeds 5


def steps_of(size, number, beta2=0.999):
    x, radam = np.zeros(1), optim.make(Optim(name="radam", beta2=beta2, eps=1e-12), 1, np.float64)
    found = []
    for _ in range(number):
        before = x[0]
        radam.apply(x, np.array([size]), lr=0.1)
        found.append(before - x[0])
    return found


def test_the_first_steps_are_the_gradients_and_the_others_have_no_unit():
    small, large = steps_of(2.0, 12), steps_of(200.0, 12)
    assert small[:MOMENTUM_STEPS] == pytest.approx([0.2] * MOMENTUM_STEPS, rel=1e-12)
    assert large[:MOMENTUM_STEPS] == pytest.approx([20.0] * MOMENTUM_STEPS, rel=1e-12)
    assert small[MOMENTUM_STEPS:] == pytest.approx(large[MOMENTUM_STEPS:], rel=1e-9)
    rectified = small[MOMENTUM_STEPS:]
    assert all(0 < step < 0.1 for step in rectified)
    assert rectified == sorted(rectified), "the rate warms up by itself"


def test_a_second_moment_of_few_steps_is_never_divided_by():
    """2 / (1 - 0.5) - 1 = 3: no more than 5, whatever the count."""
    assert steps_of(2.0, 50, beta2=0.5) == pytest.approx([0.2] * 50, rel=1e-12)
