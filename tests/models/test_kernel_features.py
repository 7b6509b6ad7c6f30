"""Features whose products are the kernel they are named for, and classifiers of what no line divides."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from ddtrain import grad, models, nn, ops
from ddtrain.errors import UsageError

R = np.random.default_rng(0)
X, Y = R.standard_normal((2, 5, 3))


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
@pytest.mark.parametrize(("gamma", "offset"), [(1.0, 1.0), (0.5, 2.0)])
def test_products_of_polynomial_features_are_the_polynomial_kernel(degree: int, gamma: float, offset: float) -> None:
    phi = models.PolynomialFeatures(3, degree, gamma, offset)
    assert phi.features == comb(3 + degree, degree)
    products = phi.bind({})(X) @ phi.bind({})(Y).T
    np.testing.assert_allclose(products, (gamma * X @ Y.T + offset) ** degree, rtol=1e-10, atol=1e-12)


def test_products_of_random_waves_tend_to_the_gaussian_kernel() -> None:
    distances = ((X[:, None] - Y[None]) ** 2).sum(axis=2)
    errors = []
    for features in (100, 10_000):
        phi = models.RandomFourierFeatures(3, features, gamma=0.3)
        bound = phi.bind(phi.init(0, np.float64))
        errors.append(np.abs(bound(X) @ bound(Y).T - np.exp(-0.3 * distances)).max())
    assert errors[1] < 0.05 < errors[0] < 0.6


def test_waves_are_drawn_once_and_not_trained() -> None:
    phi = models.RandomFourierFeatures(3, 8, gamma=0.3)
    assert all(isinstance(d, nn.Buffer) for d in phi.declarations().values())
    phases = models.RandomFourierFeatures(3, 1000, gamma=0.3).init(0)["phases"]
    assert 0 <= phases.min() < 0.1
    assert 6.2 < phases.max() < 2 * np.pi


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [0, 4])
def test_dtype_and_rows_are_kept(rows: int, dtype: type) -> None:
    for phi in (models.PolynomialFeatures(3), models.RandomFourierFeatures(3, 7, gamma=1.0)):
        y = phi.bind(phi.init(0, dtype))(X[:rows].astype(dtype))
        assert y.dtype == dtype
        assert y.shape == (rows, phi.features)


@pytest.mark.parametrize("phi", [models.PolynomialFeatures(2, 2), models.RandomFourierFeatures(2, 64, gamma=1.0)])
def test_with_features_a_support_vector_machine_learns_exclusive_or(phi: nn.Module) -> None:
    x, labels = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    model = models.KernelClassifier(phi, phi.features, classes=2)  # type: ignore[attr-defined]
    v = model.init(0, np.float64)
    trained = [name for name, d in model.declarations().items() if isinstance(d, nn.Parameter)]
    loss = lambda part: ops.hinge(model.bind({**v, **part})(x), labels).sum()
    for _ in range(300):
        for name, g in grad(loss)({name: v[name] for name in trained}).items():
            v[name] = v[name] - 0.1 * g
    assert (model.bind(v)(x).argmax(axis=1) == labels).all()


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"PolynomialFeatures: degree 0, gamma 1\.0 and offset 1\.0 are not all above"):
        models.PolynomialFeatures(3, degree=0)
    with pytest.raises(UsageError, match=r"gamma 0\.0"):
        models.PolynomialFeatures(3, gamma=0.0)
    with pytest.raises(UsageError) as caught:
        models.RandomFourierFeatures(3, 8, gamma=0.0)
    assert caught.value.one_line == "RandomFourierFeatures: gamma 0.0 is not above 0: Try 1 / d."
