"""L1 and elastic net: where they lead is known in closed form, and zeros are exact."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.errors import UsageError
from ddtrain.optim import Optim

CURVATURE = np.array([1.0, 2.0, 0.5, 1.0, 1.0])
CENTRE = np.array([2.0, -1.0, 0.5, 0.1, -3.0])
L1, L2 = 0.3, 0.5

VARIANTS = {
    "sgd": {"momentum": 0.0},
    "sgd, pytorch": {"momentum": 0.8},
    "sgd, lecture": {"momentum": 0.8, "momentum_form": "lecture"},
    "sgd, friction": {"momentum": 0.8, "momentum_form": "friction"},
    "sgd, nesterov": {"momentum": 0.8, "nesterov": True},
    "adagrad": {},
    "rmsprop": {},
    "rmsprop, momentum": {"momentum": 0.8},
    "adadelta": {},
    "adam": {},
    "adam, uncorrected": {"bias_correction": False},
    "amsgrad": {},
    "nadam": {},
    "adamax": {},
    "radam": {},
}


def minimum(weight_decay: float) -> np.ndarray:
    """Of Σ curvature (x − centre)² / 2 + L1 Σ|x| + weight_decay Σ x² / 2."""
    pull = CURVATURE * CENTRE
    return np.sign(pull) * np.maximum(np.abs(pull) - L1, 0.0) / (CURVATURE + weight_decay)


@pytest.mark.parametrize("weight_decay", [0.0, L2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_minimum_of_loss_and_penalties_is_found_with_its_zeros(variant: str, weight_decay: float) -> None:
    formula = Optim(name=variant.split(",")[0], l1=L1, weight_decay=weight_decay, **VARIANTS[variant])
    optimizer, x = optim.make(formula, 5, np.float64), np.ones(5)
    lr = {"adagrad": 1.0, "adadelta": 30.0}.get(formula.name, 0.1)
    for t in range(2000):
        optimizer.apply(x, CURVATURE * (x - CENTRE), lr=lr / (1 + t / 100))
    expected = minimum(weight_decay)
    assert np.count_nonzero(expected) == 3
    np.testing.assert_array_equal(x == 0, expected == 0)
    np.testing.assert_allclose(x, expected, atol=2e-3)


def test_decay_beside_the_gradient_goes_with_l1() -> None:
    """AdamW's decay is not divided by the denominator, which is |g| in the end: g + L1 + 0.1 |g| x = 0, g = x - 2."""
    x, optimizer = np.array([1.0, 1.0]), optim.make(Optim(name="adamw", l1=L1, weight_decay=0.1), 2, np.float64)
    for t in range(2000):
        optimizer.apply(x, x - np.array([2.0, 0.2]), lr=0.1 / (1 + t / 100))
    assert x[1] == 0.0
    assert x[0] == pytest.approx((1.2 - (1.2**2 - 4 * 0.1 * 1.7) ** 0.5) / 0.2, abs=2e-3)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_have_no_sign_and_stay_while_the_gradient_is_small(variant: str, dtype: type) -> None:
    formula = Optim(name=variant.split(",")[0], l1=1.0, **VARIANTS[variant])
    optimizer, x = optim.make(formula, 2, dtype), np.zeros(2, dtype)
    for t in range(50):
        optimizer.apply(x, np.array([0.5, -0.5], dtype) * (-1) ** t, lr=0.01)
        np.testing.assert_array_equal(x, np.zeros(2, dtype))
        assert not np.signbit(x).any()


def test_a_step_by_hand() -> None:
    x = np.array([1.0, 0.05, -1.0])
    optim.make(Optim(name="sgd", momentum=0.0, l1=0.5), 3, np.float64).apply(x, np.array([1.0, 0.0, 1.0]), lr=0.2)
    np.testing.assert_allclose(x, [1.0 - 0.2 - 0.1, 0.0, -1.0 - 0.2 + 0.1], rtol=1e-15)


def test_clipping_scales_the_gradient_and_not_the_penalty() -> None:
    x = np.array([1.0])
    optim.make(Optim(name="sgd", momentum=0.0, l1=0.5), 1, np.float64).apply(x, np.array([10.0]), lr=0.2, scale=0.1)
    np.testing.assert_allclose(x, [1.0 - 0.2 - 0.1], rtol=1e-15)


def test_where_it_has_no_meaning_it_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--optim.l1 is no option of lion\n  It belongs to sgd, "):
        Optim(name="lion", l1=0.1)
