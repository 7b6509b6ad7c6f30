"""``scipy.stats`` with derivatives in every real parameter: ``from ddtrain.scipy.stats import norm``.

One module a distribution, with the methods of SciPy's object of that name as functions; called, it holds parameters.
Every other distribution is SciPy's, on plain numbers, and refuses traced ones by name.
"""

from __future__ import annotations

from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.stats import beta, chi2, dirichlet, gamma, multivariate_normal, norm, poisson, t
from ddtrain.scipy.stats._frozen import Distribution
from ddtrain.scipy.stats._location_scale import taking_lists

__all__ = ["beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"]
for _module in (beta, chi2, dirichlet, gamma, multivariate_normal, norm, poisson, t):
    _module.__class__ = Distribution
    for _name, _function in list(vars(_module).items()):
        if getattr(_function, "__module__", "") == _module.__name__ and not _name.startswith("_"):
            setattr(_module, _name, taking_lists(_function))

__getattr__ = fallback_to("scipy.stats")
