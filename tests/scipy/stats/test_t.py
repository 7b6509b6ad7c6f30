"""Student's t distribution of many degrees of freedom."""

from __future__ import annotations

import pytest
import scipy.integrate
import scipy.stats

from ddtrain.scipy import stats


def test_the_t_distribution_of_many_degrees_of_freedom_is_normal():
    assert stats.t.logpdf(1.5, 1e12) == pytest.approx(scipy.stats.norm.logpdf(1.5), rel=1e-11)
