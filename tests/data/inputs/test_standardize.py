"""Mean 0 and variance 1, of every feature or channel, and again from what was stored."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load, save

from ddtrain.data import ArrayData, Standardize
from ddtrain.errors import ShapeError

R = np.random.default_rng(0)
X = R.standard_normal((60, 4, 3)) * np.array([1e-3, 1.0, 1e3]) + np.array([1.0, -5.0, 0.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [False, True])
def test_mean_0_and_variance_1(dtype, channels):
    y = Standardize.fit(ArrayData(X), channels=channels, dtype=dtype)(X)
    assert y.dtype == dtype
    assert y.shape == X.shape
    axes = (0, 1) if channels else 0
    tolerance = 2e-3 if dtype == np.float32 else 1e-11  # the mean is a thousand times the smallest deviation
    np.testing.assert_allclose(y.mean(axes), 0, atol=tolerance)
    np.testing.assert_allclose(y.var(axes), 1, atol=tolerance)


@pytest.mark.parametrize("value", [0.1, 1e6 + 0.1, 0.0, -3.0])
def test_what_does_not_vary_becomes_0(value):
    x = np.column_stack([np.full(3001, value), R.standard_normal(3001)])
    y = Standardize.fit(ArrayData(x), dtype=np.float64)(x)
    np.testing.assert_allclose(y[:, 0], 0, atol=1e-6)
    assert y[:, 1].std() == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [False, True])
def test_there_and_back(dtype, channels):
    fitted = Standardize.fit(ArrayData(X), channels=channels, dtype=dtype)
    back = fitted.inverse(fitted(X))
    assert back.dtype == dtype
    # a few roundings, each of a number no larger than these; to the mean, where the deviation is small beside it
    assert (abs(back - X) <= 4 * np.finfo(dtype).eps * (abs(X) + abs(fitted.mean))).all()


def test_other_samples_by_the_training_datas_numbers():
    fitted = Standardize.fit(ArrayData(X), dtype=np.float64)
    np.testing.assert_allclose(fitted(X[:2] + 1), (X[:2] + 1 - X.mean(0)) / X.std(0), rtol=1e-9)
    assert fitted(X[:0]).shape == (0, 4, 3)


def test_as_the_transform_of_a_data_set():
    transform = Standardize.fit(ArrayData(X), channels=True)
    np.testing.assert_array_equal(ArrayData(X, transform=transform).batch(np.array([3, 1]))[0], transform(X[[3, 1]]))


@pytest.mark.parametrize("channels", [False, True])
def test_again_from_what_was_stored(channels):
    fitted = Standardize.fit(ArrayData(X), channels=channels, dtype=np.float64)
    again = Standardize.from_state(load(save(fitted.state_dict())), np.float64)
    np.testing.assert_array_equal(again(X), fitted(X))


def test_stored_numbers_are_taken_up_in_place():
    first, other = Standardize.fit(ArrayData(X)), Standardize.fit(ArrayData(3 * X + 1))
    assert (other(X) != first(X)).any()
    other.load_state_dict(load(save(first.state_dict())))
    np.testing.assert_array_equal(other(X), first(X))
    np.testing.assert_array_equal(other.mean, first.mean)
    with pytest.raises(ShapeError, match=r"fitted to means of shape \(4, 3\), the stored ones have \(3,\)"):
        other.load_state_dict(Standardize.fit(ArrayData(X), channels=True).state_dict())
