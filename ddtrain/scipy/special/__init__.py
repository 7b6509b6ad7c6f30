"""``scipy.special`` with derivatives: ``from ddtrain.scipy import special``.

Families: ``gammas error_functions bessel logistic entropies exponentials``; and ``incomplete_gamma incomplete_beta
student``, whose derivatives in a parameter are integrals (``log_concave``). Arguments without a derivative in closed
form (the order of a Bessel function) are refused by name. A function is its paragraph in a family and its name in that
family's ``__all__``.
"""
# ruff: noqa: F403 -- every family says in __all__ what it gives

from __future__ import annotations

import scipy.special as _sc

from ddtrain.numpy import cbrt, exp2, expm1, log1p, sinc
from ddtrain.numpy.dispatch.array_box import COUNTERPARTS
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special import (
    bessel,
    entropies,
    error_functions,
    exponentials,
    gammas,
    incomplete_beta,
    incomplete_gamma,
    logistic,
    student,
)
from ddtrain.scipy.special.bessel import *
from ddtrain.scipy.special.entropies import *
from ddtrain.scipy.special.error_functions import *
from ddtrain.scipy.special.exponentials import *
from ddtrain.scipy.special.gammas import *
from ddtrain.scipy.special.incomplete_beta import *
from ddtrain.scipy.special.incomplete_gamma import *
from ddtrain.scipy.special.logistic import *
from ddtrain.scipy.special.student import *

__all__ = ["cbrt", "exp2", "expm1", "log1p", "sinc"]  # the same functions as in ddtrain.numpy
__all__ += bessel.__all__ + entropies.__all__ + error_functions.__all__ + exponentials.__all__ + gammas.__all__
__all__ += incomplete_beta.__all__ + incomplete_gamma.__all__ + logistic.__all__ + student.__all__
__all__.sort()

# SciPy's own ufunc on a traced value is answered by the function of the same name here
COUNTERPARTS.update((getattr(_sc, name), globals()[name]) for name in __all__ if hasattr(_sc, name))
__getattr__ = fallback_to("scipy.special")
