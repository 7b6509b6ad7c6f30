"""Fourier transforms: NumPy's values for every length, axis and norm, and both modes to second order."""

import inspect

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad

rng = onp.random.default_rng(0)
X = rng.standard_normal((3, 4, 5))
Z = X + 1j * rng.standard_normal(X.shape)
NORMS = [None, "backward", "ortho", "forward"]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_along_one_axis(name, norm):
    x = X if name in ("rfft", "ihfft") else Z
    for n, axis in ((None, -1), (None, 1), (2, 0), (3, 1), (4, -1), (7, 1), (8, 2), (1, 0)):
        fun = lambda x: inspect.unwrap(getattr(np.fft, name))(x, n, axis, norm)  # noqa: B023
        onp.testing.assert_allclose(fun(x), getattr(onp.fft, name)(x, n, axis, norm), atol=1e-13)
        check_grads(fun)(x)


@pytest.mark.parametrize("norm", [None, "ortho"])
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"])
def test_along_several_axes(name, norm):
    x = X if name.startswith("r") else Z
    default = (-2, -1) if name.endswith("2") else None
    for s, axes in ((None, default), (None, (0, 2)), ((2, 6), (1, 0)), ((-1, 3), (0, 1)), ((4, 4), (-1, 0))):
        fun = lambda x: inspect.unwrap(getattr(np.fft, name))(x, s, axes, norm)  # noqa: B023
        onp.testing.assert_allclose(fun(x), getattr(onp.fft, name)(x, s, axes, norm), atol=1e-13)
        check_grads(fun, order=1)(x)


@pytest.mark.parametrize("axes", [None, 1, (0, -1)])
@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(name, axes):
    onp.testing.assert_array_equal(inspect.unwrap(getattr(np.fft, name))(X, axes), getattr(onp.fft, name)(X, axes))
    check_grads(lambda x: getattr(np.fft, name)(x, axes))(X)


def test_energy_is_kept():
    # Parseval: the derivative of the energy in the spectrum is that of the energy in the signal
    energy = lambda x: np.sum(np.abs(np.fft.rfft2(x, norm="ortho")) ** 2 * weight)
    weight = onp.full((4, 3), 2.0)
    weight[:, 0] = 1.0
    onp.testing.assert_allclose(grad(energy)(X[0]), 2 * X[0], rtol=1e-12)


def test_numpys_own_function_of_a_traced_value():
    onp.testing.assert_allclose(
        grad(lambda x: np.sum(onp.fft.fftn(x).real))(X), grad(lambda x: np.sum(np.fft.fftn(x).real))(X)
    )


def test_float32_stays_single():
    x = X.astype(onp.float32)
    assert np.fft.fft(x).dtype == onp.complex64
    assert grad(lambda x: np.sum(np.abs(np.fft.rfft(x))))(x).dtype == onp.float32


def test_frequencies_and_missing_names():
    assert np.fft.fftfreq is onp.fft.fftfreq
    with pytest.raises(AttributeError, match=r"has a name 'fft\.dct'"):
        np.fft.dct  # noqa: B018  # asking is the point
