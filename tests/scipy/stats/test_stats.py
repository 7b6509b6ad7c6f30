"""Distributions: SciPy's values inside and outside the support, and derivatives in every parameter."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddtrain import elementwise_grad
from ddtrain.autodiff import check_grads
from ddtrain.scipy import stats

# distribution -> its shape parameters; points lie inside, on and outside the supports
SHAPES = {"norm": (), "t": (3.5,), "gamma": (2.3,), "chi2": (3.0,), "beta": (1.7, 2.2)}
LOC, SCALE = 0.4, 1.7
POINTS = np.array([-3.0, 0.4, 0.5, 1.0, 1.9, 2.1, 6.0])
METHODS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_values_are_scipys(name, method):
    ours, theirs = getattr(getattr(stats, name), method), getattr(getattr(scipy.stats, name), method)
    with np.errstate(divide="ignore"):  # SciPy takes log(0) in a tail that has none of the mass
        expected = theirs(POINTS, *SHAPES[name], LOC, SCALE)
        np.testing.assert_allclose(ours(POINTS, *SHAPES[name], LOC, SCALE), expected, rtol=1e-11)
        np.testing.assert_allclose(ours(POINTS, *SHAPES[name]), theirs(POINTS, *SHAPES[name]), rtol=1e-11)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_derivatives_in_every_parameter_in_both_modes_to_second_order(name, method):
    shapes = [np.asarray(s) for s in SHAPES[name]]
    inside = np.array([0.9, 1.3, 1.8])
    check_grads(getattr(getattr(stats, name), method))(inside, *shapes, np.asarray(LOC), np.asarray(SCALE))


@pytest.mark.parametrize("name", SHAPES)
def test_quantiles_invert_the_distribution_function(name):
    q, module = np.array([0.05, 0.5, 0.9]), getattr(stats, name)
    x = module.ppf(q, *SHAPES[name], LOC, SCALE)
    np.testing.assert_allclose(module.cdf(x, *SHAPES[name], LOC, SCALE), q, rtol=1e-9)
    slope = elementwise_grad(module.ppf)(q, *SHAPES[name], LOC, SCALE)
    np.testing.assert_allclose(slope, 1 / module.pdf(x, *SHAPES[name], LOC, SCALE), rtol=1e-9)


@pytest.mark.parametrize("name", ["norm", "t", "gamma", "chi2", "beta", "poisson"])
def test_parameters_and_points_may_be_lists(name):
    points, shapes = [1, 2], {"norm": (), "beta": ([2.0, 3.0], [4.0, 1.5])}.get(name, ([2.0, 3.0],))
    x = [0.2, 0.7] if name == "beta" else points
    for method in ("logpmf", "cdf") if name == "poisson" else ("pdf", "logpdf", "cdf"):
        ours, theirs = getattr(getattr(stats, name), method), getattr(getattr(scipy.stats, name), method)
        scale = () if name == "poisson" else ([1.0, 2.0],)
        np.testing.assert_allclose(ours(x, *shapes, [0, 0], *scale), theirs(x, *shapes, [0, 0], *scale), rtol=1e-12)
        if name != "poisson":
            check_grads(lambda s, f=ours: f(x, *shapes, [0, 0], [s, 2.0]), order=1)(1.5)
