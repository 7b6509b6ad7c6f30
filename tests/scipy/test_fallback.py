"""What has no rule is SciPy's own on plain values, and refuses traced ones by name."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats

from ddtrain import grad
from ddtrain.errors import DerivativeError
from ddtrain.scipy import linalg, signal, special, stats

OTHERS = {
    "binom": ("pmf", (3, 10, 0.5)),
    "expon": ("pdf", (1.0,)),
    "lognorm": ("logpdf", (1.0, 0.5)),
    "multinomial": ("pmf", ([1, 1], 2, [0.5, 0.5])),
    "uniform": ("cdf", (0.3,)),
    "vonmises": ("logpdf", (0.3, 2.0)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_distribution_is_scipys_and_refuses_traced_values_by_name(name):
    method, args = OTHERS[name]
    ours, theirs = getattr(stats, name), getattr(scipy.stats, name)
    assert getattr(ours, method)(*args) == getattr(theirs, method)(*args)
    assert isinstance(ours, type(theirs))
    assert isinstance(copy.copy(ours), type(theirs))
    with pytest.raises(DerivativeError, match=rf"scipy.stats.{name}.{method} has no derivative rule"):
        grad(lambda t: getattr(ours, method)(*args[:-1], t))(0.5)


def test_other_distributions_that_hold_parameters():
    assert stats.expon(scale=2.0).cdf(1.0) == scipy.stats.expon(scale=2.0).cdf(1.0)
    assert stats.expon(scale=2.0).mean() == 2.0
    assert stats.kstest([0.1, 0.2, 0.9], stats.expon.cdf).pvalue > 0
    assert repr(stats.expon) == repr(scipy.stats.expon)
    with pytest.raises(DerivativeError, match=r"scipy.stats.expon.cdf has no derivative rule"):
        grad(lambda x: stats.expon(scale=2.0).cdf(x))(1.0)
    with pytest.raises(DerivativeError, match=r"scipy.stats.expon has no derivative rule"):
        grad(lambda scale: stats.expon(scale=scale).cdf(1.0))(1.0)


def test_what_has_no_rule_is_scipys_own_on_plain_arrays_and_refuses_traced_ones():
    assert special.spence(1.0) == 0.0
    assert stats.norm.isf(0.5) == 0.0
    assert linalg.LinAlgError is np.linalg.LinAlgError
    with pytest.raises(DerivativeError, match=r"scipy\.special\.spence has no derivative rule"):
        grad(special.spence)(0.5)
    with pytest.raises(DerivativeError, match=r"scipy\.signal\.lfilter"):
        grad(lambda x: signal.lfilter([x], [1.0], np.ones(3))[0])(0.5)
    with pytest.raises(AttributeError, match=r"neither scipy\.special nor ddtrain"):
        special.no_such_function  # noqa: B018


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda v: special.jv(v, 1.0), "jv"),
        (lambda v: special.ive(v, 1.0), "ive"),
        (lambda v: special.zeta(v, 1.0), "zeta"),
        (lambda v: special.expn(v, 1.0), "expn"),
        (lambda v: special.polygamma(v, 1.0), "polygamma"),
        (lambda v: stats.poisson.logpmf(v, 1.0), r"poisson\.logpmf"),
    ],
)
def test_orders_and_counts_are_refused_by_name(call, named):
    with pytest.raises(DerivativeError, match=named):
        grad(call)(2.0)
