"""The Dirichlet distribution: SciPy's values and derivatives, and points of the wrong length."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddtrain.autodiff import check_grads
from ddtrain.errors import ShapeError
from ddtrain.scipy import stats


def test_dirichlet():
    rng = np.random.default_rng(0)  # points far from the faces, where derivatives are moderate
    alpha, x = rng.uniform(0.5, 3, 4), rng.dirichlet(np.full(4, 30.0), 3).T
    np.testing.assert_allclose(stats.dirichlet.logpdf(x, alpha), scipy.stats.dirichlet.logpdf(x, alpha), rtol=1e-12)
    np.testing.assert_allclose(stats.dirichlet.pdf(x[:-1, 0], alpha), scipy.stats.dirichlet.pdf(x[:, 0], alpha))
    assert stats.dirichlet.entropy(alpha) == pytest.approx(scipy.stats.dirichlet.entropy(alpha))
    for fun in (stats.dirichlet.logpdf, stats.dirichlet.pdf):
        check_grads(fun)(x, alpha)
    check_grads(stats.dirichlet.entropy)(alpha)
    with pytest.raises(ShapeError, match="x has 2 components but alpha 4"):
        stats.dirichlet.logpdf(np.ones(2), alpha)
