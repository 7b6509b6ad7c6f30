"""RMSProp: divided by a mean that starts at zero and is not corrected; centred, by the deviation."""

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Optim

RHO = 0.9


@pytest.mark.parametrize("centered", [False, True])
def test_steps_of_a_gradient_that_stays(centered):
    """The mean square is g^2 (1 - rho^t), its mean g (1 - rho^t), and so its variance g^2 (1 - rho^t) rho^t."""
    x, rmsprop = np.zeros(1), optim.make(Optim(name="rmsprop", rho=RHO, centered=centered, eps=1e-12), 1, np.float64)
    for t in range(1, 15):
        before = x[0]
        rmsprop.apply(x, np.array([-7.0]), lr=0.1)
        weight = 1 - RHO**t
        assert x[0] - before == pytest.approx(0.1 / (weight * RHO**t if centered else weight) ** 0.5, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "vectors"),
    [
        ({}, ["square"]),
        ({"centered": True}, ["square", "mean"]),
        ({"momentum": 0.5}, ["square", "velocity"]),
        ({"centered": True, "momentum": 0.5}, ["square", "mean", "velocity"]),
    ],
)
def test_only_what_is_needed_is_remembered(options, vectors):
    assert list(optim.make(Optim(name="rmsprop", **options), 3, np.float32).state) == vectors


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_variance_that_rounding_makes_negative_is_none(dtype):
    """Of a gradient that never changes: its mean square and squared mean differ by rounding alone."""
    optimizer, x = optim.make(Optim(name="rmsprop", centered=True, rho=0.9), 100, dtype), np.zeros(100, dtype)
    g = np.linspace(0.1, 3.0, 100).astype(dtype)
    for _ in range(500):
        optimizer.apply(x, g, lr=1e-9)
    assert np.isfinite(x).all()
