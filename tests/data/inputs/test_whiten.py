"""Uncorrelated numbers of variance 1, against the singular values of the data."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load, save

from ddtrain.data import ArrayData, Whiten
from ddtrain.errors import DataError, ShapeError, UsageError

R = np.random.default_rng(0)
X = (R.standard_normal((80, 6)) @ (R.standard_normal((6, 6)) * np.arange(1, 7)) + 10).reshape(80, 2, 3)
FLAT = X.reshape(80, 6)


@pytest.mark.parametrize("components", [1, 4, 6, 0])
def test_covariance_1(components):
    z = Whiten.fit(ArrayData(X), components, dtype=np.float64)(X)
    k = components or 6
    assert z.shape == (80, k)
    np.testing.assert_allclose(np.cov(z.T).reshape(k, k), np.eye(k), atol=1e-12)
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-13)


def test_components_and_variances_are_the_svds():
    fitted = Whiten.fit(ArrayData(X), block=7)
    _, singular, rows = np.linalg.svd(FLAT - FLAT.mean(0), full_matrices=False)
    np.testing.assert_allclose(fitted.variances, singular**2 / 79, rtol=1e-10)
    np.testing.assert_allclose(abs(np.sum(fitted.components * rows.T, axis=0)), 1, rtol=1e-10)
    np.testing.assert_allclose(fitted.components.T @ fitted.components, np.eye(6), atol=1e-13)
    largest = fitted.components[abs(fitted.components).argmax(0), range(6)]
    assert (largest > 0).all()


def test_a_truncation_is_the_first_of_all():
    whole, part = Whiten.fit(ArrayData(X), dtype=np.float64), Whiten.fit(ArrayData(X), 2, dtype=np.float64)
    np.testing.assert_allclose(part(X), whole(X)[:, :2], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_empty_and_arrays_that_are_not_contiguous(dtype):
    fitted = Whiten.fit(ArrayData(X.astype(dtype)), 3, dtype=dtype)
    assert fitted(X).dtype == dtype
    assert fitted(X[:0]).shape == (0, 3)
    np.testing.assert_array_equal(fitted(np.asfortranarray(X)), fitted(X))
    integers = np.round(X).astype(np.int64)
    np.testing.assert_array_equal(fitted(integers), fitted(integers.astype(np.float64)))


def test_again_from_what_was_stored():
    fitted = Whiten.fit(ArrayData(X), 3)
    np.testing.assert_array_equal(Whiten.from_state(load(save(fitted.state_dict())))(X), fitted(X))


def test_fewer_samples_than_dimensions():
    with pytest.raises(DataError) as error:
        Whiten.fit(ArrayData(X[:5]), 2)
    assert error.value.message == "whiten: 5 samples are fewer than their 6 dimensions"


def test_a_component_that_does_not_vary():
    with pytest.raises(DataError) as error:  # six samples have five directions about their mean
        Whiten.fit(ArrayData(X[:6]))
    assert error.value.message == "whiten: component 5 of 6 does not vary, and cannot be scaled to variance 1"
    assert error.value.remedy == "Keep fewer: components=5, or give an epsilon above 0."
    assert Whiten.fit(ArrayData(X[:6]), 5)(X).shape == (80, 5)
    with pytest.raises(DataError, match="component 0 of 1 does not vary"):
        Whiten.fit(ArrayData(np.ones((8, 6))), 1)
    with pytest.raises(DataError, match="component 0 of 1 does not vary"):
        Whiten.fit(ArrayData(np.ones((1, 1))))


@pytest.mark.parametrize("components", [7, -1])
def test_more_components_than_dimensions(components):
    with pytest.raises(UsageError, match=f"whiten: {components} components of 6 dimensions"):
        Whiten.fit(ArrayData(X), components)


def test_samples_of_another_size():
    with pytest.raises(ShapeError, match=r"whiten: samples have shape \(5,\), but it was fitted to 6 features"):
        Whiten.fit(ArrayData(X))(np.ones((2, 5)))


@pytest.mark.parametrize("components", [0, 6, 3])
def test_zca_is_the_projection_of_the_whitened(components):
    """Turned back it is whitened still, in the shape of the samples, and of all whitened versions the nearest."""
    plain, zca = (Whiten.fit(ArrayData(X), components, zca=zca, dtype=np.float64) for zca in (False, True))
    y = zca(X)
    assert y.shape == X.shape
    np.testing.assert_allclose(y.reshape(80, 6), plain(X) @ plain.components.T, atol=1e-12)
    if components != 3:
        np.testing.assert_allclose(np.cov(y.reshape(80, 6).T), np.eye(6), atol=1e-12)
        rotation = np.linalg.qr(R.standard_normal((6, 6)))[0]
        centred = FLAT - FLAT.mean(0)
        distance = [((centred - z) ** 2).sum() for z in (y.reshape(80, 6), y.reshape(80, 6) @ rotation, plain(X))]
        assert distance[0] < min(distance[1:])


def test_epsilon_is_added_to_the_variances():
    plain, damped = (Whiten.fit(ArrayData(X), 4, epsilon=eps, dtype=np.float64) for eps in (0.0, 2.5))
    ratio = np.sqrt(plain.variances / (plain.variances + 2.5))
    np.testing.assert_allclose(damped(X), plain(X) * ratio, rtol=1e-12, atol=1e-13)


def test_with_an_epsilon_what_does_not_vary_becomes_0():
    still = np.concatenate([FLAT, np.full((80, 1), 7.0)], axis=1)
    y = Whiten.fit(ArrayData(still), epsilon=0.1, dtype=np.float64)(still)
    assert y.shape == (80, 7)
    np.testing.assert_allclose(y[:, 6], 0, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.5}, {"zca": True}])
def test_stored_numbers_are_taken_up_in_place(options):
    first, other = Whiten.fit(ArrayData(X), 3, **options), Whiten.fit(ArrayData(X[:40] ** 2), 3)
    assert other(X).shape != first(X).shape or (other(X) != first(X)).any()
    other.load_state_dict(load(save(first.state_dict())))
    np.testing.assert_array_equal(other(X), first(X))
    with pytest.raises(ShapeError, match=r"fitted to components of shape \(6, 3\), the stored ones have \(6, 2\)"):
        other.load_state_dict(Whiten.fit(ArrayData(X), 2).state_dict())
