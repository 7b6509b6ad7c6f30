"""``scipy.stats`` with derivatives in every real parameter: ``from ddtrain.scipy.stats import norm``.

One module a distribution, with the methods of SciPy's object of that name as functions.
"""

from __future__ import annotations

from ddtrain.scipy._rest import rest_of
from ddtrain.scipy.stats import beta, chi2, dirichlet, gamma, multivariate_normal, norm, poisson, t

__all__ = ["beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"]

__getattr__ = rest_of("scipy.stats")
