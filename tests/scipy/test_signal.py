"""Convolution against SciPy's, and against sums written out for the forms with axes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal as sg

from ddtrain.autodiff import check_grads
from ddtrain.errors import ShapeError
from ddtrain.scipy import signal

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shapes", [((7,), (3,)), ((3,), (7,)), ((4, 6), (3, 2)), ((1,), (1,)), ((5, 2, 3), (2, 2, 3))])
@pytest.mark.parametrize("mode", ["full", "valid", "same"])
@pytest.mark.parametrize("name", ["convolve", "correlate", "fftconvolve"])
def test_plain_convolution_is_scipys(shapes, mode, name):
    a, b = (RNG.normal(size=shape) for shape in shapes)
    expected = getattr(sg, name)(a, b, mode=mode)
    actual = getattr(signal, name)(a, b, mode=mode)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    check_grads(lambda a, b: getattr(signal, name)(a, b, mode=mode))(a, b)


def test_scipys_positional_mode_and_complex_correlation():
    a, b = RNG.normal(size=5) + 1j * RNG.normal(size=5), RNG.normal(size=3) + 1j * RNG.normal(size=3)
    np.testing.assert_allclose(signal.convolve(a, b, "valid"), sg.convolve(a, b, "valid"))
    np.testing.assert_allclose(signal.correlate(a, b), sg.correlate(a, b))
    check_grads(signal.correlate)(a, b)


def test_a_batch_of_images_by_a_bank_of_filters():
    # the layout of the convolutional network in Autograd's examples: contracted channels, convolved rows and columns
    images, filters = RNG.normal(size=(2, 3, 5, 6)), RNG.normal(size=(3, 4, 2, 3))

    def bank(images, filters):
        return signal.convolve(images, filters, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="valid")

    actual = bank(images, filters)
    assert actual.shape == (2, 4, 4, 4)
    expected = sum(sg.convolve(images[1, c], filters[c, 3], "valid") for c in range(3))
    np.testing.assert_allclose(actual[1, 3], expected, atol=1e-13)
    check_grads(bank)(images, filters)


@pytest.mark.parametrize("mode", ["full", "valid", "same"])
def test_outer_axes_come_first_and_convolved_ones_last(mode):
    a, b = RNG.normal(size=(2, 6, 3)), RNG.normal(size=(4, 5))
    actual = signal.convolve(a, b, axes=([1], [-2]), mode=mode)
    assert actual.shape[:3] == (2, 3, 5)
    np.testing.assert_allclose(actual[1, 2, 4], sg.convolve(a[1, :, 2], b[:, 4], mode), atol=1e-13)
    check_grads(lambda a, b: signal.convolve(a, b, axes=([1], [-2]), mode=mode))(a, b)


def test_axes_in_another_order():
    a, b = RNG.normal(size=(4, 5)), RNG.normal(size=(3, 2))
    np.testing.assert_allclose(signal.convolve(a, b, axes=([0, 1], [1, 0])), sg.convolve(a, b.T), atol=1e-13)


def test_only_a_tensordot_when_nothing_is_convolved():
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(4, 3))
    np.testing.assert_allclose(signal.convolve(a, b, axes=([], []), dot_axes=([1], [1])), a @ b.T, atol=1e-14)


def test_what_does_not_pair_up_is_named():
    with pytest.raises(ShapeError, match="neither factor covers"):
        signal.convolve(np.ones((4, 1)), np.ones((3, 2)), mode="valid")
    with pytest.raises(ShapeError, match=r"do not pair up in A \(4, 3\)"):
        signal.convolve(np.ones((4, 3)), np.ones((3, 2)), axes=([0], [0]), dot_axes=([1], [1]))
    with pytest.raises(ShapeError, match="1 and 2 axes"):
        signal.convolve(np.ones(4), np.ones((3, 2)))
    with pytest.raises(ValueError, match="'circular' is none of"):
        signal.convolve(np.ones(4), np.ones(3), mode="circular")
