"""Initial values have the range and the variance that they are named for; a model that trains badly would not tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn

BOUNDS = {  # of 3·4·5 = 60 inputs and, by Glorot, 3·4·2000 outputs: a convolution's kernel has both
    "fan-in": (nn.init.fan_in_uniform, (3, 4, 5, 2000), 60**-0.5),
    "bias": (nn.init.bias_uniform(25), (100_000,), 0.2),
    "glorot": (nn.init.glorot_uniform, (300, 600), (6 / 900) ** 0.5),
    "glorot of a kernel": (nn.init.glorot_uniform, (3, 4, 50, 200), (6 / (12 * 250)) ** 0.5),
    "glorot of a vector": (nn.init.glorot_uniform, (100_000,), (6 / 100_001) ** 0.5),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_uniform_values_fill_their_range_and_nothing_else(name: str) -> None:
    init, shape, bound = BOUNDS[name]
    x = init(np.random.default_rng(0), shape)
    assert x.shape == shape
    assert np.abs(x).max() <= bound
    # of 100,000 values one lies within a thousandth of each end, but for a chance of e^-50
    assert min(x.max(), -x.min()) > 0.999 * bound
    assert x.var() == pytest.approx(bound**2 / 3, rel=0.02)  # ten standard errors, each sqrt(0.8 / 100,000)


@pytest.mark.parametrize(("init", "std"), [(nn.init.standard_normal, 1.0), (nn.init.normal(0.02), 0.02)])
def test_normal_values_have_the_deviation_told(init: Any, std: float) -> None:
    x = init(np.random.default_rng(0), (100, 1000))
    assert x.std() == pytest.approx(std, rel=0.02)  # nine standard errors, each 1 / sqrt(200,000)
    assert abs(x.mean()) < 0.02 * std


def test_layers_draw_weight_and_bias_by_the_inputs_of_an_output() -> None:
    layers = {nn.Linear(400, 900): 400, nn.Conv2d(6, 3000, (2, 5), groups=3): 20}
    for layer, inputs in layers.items():
        values = layer.init(0)
        for name in ("weight", "bias"):
            assert 0.95 * inputs**-0.5 < np.abs(values[name]).max() <= inputs**-0.5, name
