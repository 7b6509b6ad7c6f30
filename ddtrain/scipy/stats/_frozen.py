"""A distribution with its parameters held, ``norm(loc, scale).pdf(x)``: a module of functions that can be called."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import scipy.stats

from ddtrain.scipy.fallback import holds_a_box

OF_A_POINT = {"cdf", "isf", "logcdf", "logpdf", "logpmf", "logsf", "pdf", "pmf", "ppf", "sf"}


class Distribution(ModuleType):
    """The class of our modules of distributions.

    >>> from ddtrain.scipy.stats import norm
    >>> norm(loc=1.0).cdf(1.0)
    np.float64(0.5)
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        return Frozen(self, args, kwargs)


class Frozen:
    """The methods of ``distribution`` at its parameters; what has no derivative is SciPy's, unless one is traced."""

    def __init__(self, distribution: Distribution, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.distribution, self.args, self.kwds = distribution, args, kwargs

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(self.distribution, name)
        if name in OF_A_POINT:
            return lambda x, **options: method(x, *self.args, **self.kwds, **options)
        if holds_a_box((self.args, self.kwds)):
            return lambda *args, **options: method(*args, *self.args, **self.kwds, **options)
        short = self.distribution.__name__.rpartition(".")[2]
        found: Callable[..., Any] = getattr(getattr(scipy.stats, short)(*self.args, **self.kwds), name)
        return found
