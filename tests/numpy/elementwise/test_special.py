"""Slopes of i0 far out and of sinc near zero, against SciPy, and the memory that they take."""

import tracemalloc

import numpy as onp
import pytest
from scipy import special

import ddtrain.numpy as np
from ddtrain.autodiff import grad

INF, NAN = onp.inf, onp.nan
quietly = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of dividing by zero


@quietly
def test_the_slope_of_i0_needs_no_memory_for_large_arguments():
    onp.testing.assert_array_equal(
        grad(lambda x: np.sum(np.i0(x)))(onp.array([INF, 1e300, -1e300, 0.0])), [INF, INF, -INF, 0]
    )
    assert onp.isnan(grad(np.i0)(NAN))
    assert grad(grad(np.i0))(0.0) == pytest.approx(0.5, rel=1e-14)
    tracemalloc.start()
    grad(lambda x: np.sum(np.i0(x)))(onp.full(20_000, 600.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e7  # 20,000 numbers are 160 KB; all points at once would take 14 MB an array


def test_i0_far_out_and_sinc_near_zero():
    x = onp.array([-50.0, -3.0, 0.0, 0.5, 20.0, 300.0])
    onp.testing.assert_allclose(grad(lambda x: np.sum(np.i0(x)))(x), special.i1(x), rtol=1e-12)
    h = onp.array([1e-9, 1e-3, 0.158, 0.16, 3.3])  # 0.159: where the series of the derivative takes over
    onp.testing.assert_allclose(
        grad(lambda x: np.sum(np.sinc(x)))(h), -onp.pi * special.spherical_jn(1, onp.pi * h), rtol=1e-13
    )
    assert grad(grad(np.sinc))(0.0) == pytest.approx(-(onp.pi**2) / 3, rel=1e-15)
