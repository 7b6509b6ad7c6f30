"""Adam's kin with L1: a step, and a threshold of the element's own rate. Without L1, see test_adaptive_update."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import moment_update

LR, L1, B1, B2, EPS, COUNT = 0.1, 5.0, 0.8, 0.95, 1e-3, 7
OPTIONS = {"beta1": B1, "beta2": B2, "eps": EPS, "count": COUNT}
NADAM = {"of_gradient": 0.3, "of_mean": 0.9}


def update(name: str, l1: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """The values after one update, and the memory."""
    rng = np.random.default_rng(0)
    values, grads, m, v, largest = rng.normal(size=(5, 50))
    memory = {"amsgrad": [m, v**2, largest**2], "adamax": [m, 1 + v**2]}.get(name, [m, 1 + v**2])
    kernel = getattr(moment_update, name)
    kernel(values, grads, *memory, LR, **OPTIONS, **(NADAM if name == "nadam" else {}), l1=l1)
    return values, memory


def own_rate(name: str, memory: list[np.ndarray]) -> np.ndarray:
    if name == "adamax":
        return LR / memory[1]
    if name == "radam":
        longest = 2 / (1 - B2) - 1
        k = longest - 2 * COUNT * B2**COUNT / (1 - B2**COUNT)
        r = np.sqrt((k - 4) * (k - 2) * longest / ((longest - 4) * (longest - 2) * k))
        return LR * r * np.sqrt(1 - B2**COUNT) / (np.sqrt(memory[1]) + EPS)
    return LR / (np.sqrt(memory[-1] / (1 - B2**COUNT)) + EPS)


@pytest.mark.parametrize("name", ["amsgrad", "adamax", "radam", "nadam"])
def test_l1_takes_the_elements_own_rate_off_the_step(name: str) -> None:
    plain, memory = update(name, 0.0)
    found, same = update(name, L1)
    threshold = L1 * own_rate(name, memory)
    np.testing.assert_allclose(found, np.sign(plain) * np.maximum(np.abs(plain) - threshold, 0), rtol=0, atol=1e-14)
    np.testing.assert_array_equal(found == 0, np.abs(plain) <= threshold)
    assert 0 < np.count_nonzero(found == 0) < 50
    np.testing.assert_array_equal(memory, same)
