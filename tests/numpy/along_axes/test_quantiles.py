"""Quantiles where they are undefined, at their kinks and ends, and beside infinities."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import grad, record, value_of, vjp

INF, NAN = onp.inf, onp.nan


def traced(fun, *xs):
    kept = []
    record(lambda *xs: (kept.append(fun(*xs)), np.sum(xs[0]))[1], xs)
    return value_of(kept[0])


def test_quantiles_beside_infinities_and_medians():
    x = onp.array([1.0, 2.0, INF])
    assert traced(np.median, x) == onp.median(x) == 2.0
    onp.testing.assert_array_equal(grad(np.median)(x), [0, 1, 0])


def test_where_a_quantile_is_undefined():
    assert onp.isnan(traced(np.median, NAN))
    assert onp.isnan(traced(np.nanmedian, onp.full(3, NAN)))
    onp.testing.assert_array_equal(onp.isnan(traced(lambda x: np.nanmax(x, 0), onp.full((2, 2), NAN))), [True, True])


def test_derivatives_of_a_quantile_by_q_at_its_kinks_and_ends():
    x, infinite = onp.array([1.0, 2.0, 4.0]), onp.array([-INF, 1.0, 2.0, INF])
    slope = lambda q, x=x, **kwargs: grad(lambda q: np.quantile(x, q, **kwargs))(q)
    assert slope(0.25) == 2.0
    assert slope(0.5) == 3.0  # the mean of 2 and 4
    assert slope(0.0) == 2.0
    assert slope(1.0) == 4.0
    assert slope(0.5, onp.array([3.0])) == 0.0
    assert slope(0.1, method="hazen") == 0.0  # at the first entry up to 1/6
    assert slope(0.3, method="hazen") == 3.0
    assert slope(0.3, method="lower") == 0.0
    assert slope(0.5, infinite) == 3.0
    value, pull = vjp(lambda q: np.quantile(infinite, q, method="lower"), 0.1)
    assert (value, pull(1.0)[0]) == (-INF, 0.0)
    q32 = vjp(np.quantile, x.astype(onp.float32), onp.float32(0.3))
    assert q32[0].dtype == onp.float32
    assert [c.dtype for c in q32[1](onp.float32(1))] == [onp.float32, onp.float32]
