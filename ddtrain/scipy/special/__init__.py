"""``scipy.special`` with derivatives: ``from ddtrain.scipy import special``.

Families: ``gammas error_functions bessel logistic entropies exponentials``; and ``incomplete_gamma incomplete_beta
student``, whose derivatives in a parameter are integrals (``log_concave``). Arguments without a derivative in closed
form (the order of a Bessel function) are refused by name.
"""

from __future__ import annotations

import scipy.special as _sc

from ddtrain.numpy import cbrt, exp2, expm1, log1p, sinc
from ddtrain.numpy.dispatch.array_box import COUNTERPARTS
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special.bessel import (
    i0,
    i0e,
    i1,
    i1e,
    iv,
    ive,
    j0,
    j1,
    jn,
    jv,
    jve,
    k0,
    k0e,
    k1,
    k1e,
    kn,
    kv,
    kve,
    y0,
    y1,
    yn,
    yv,
    yve,
)  # fmt: skip
from ddtrain.scipy.special.entropies import entr, huber, kl_div, pseudo_huber, rel_entr, xlog1py, xlogy
from ddtrain.scipy.special.error_functions import (
    dawsn,
    erf,
    erfc,
    erfcinv,
    erfcx,
    erfi,
    erfinv,
    log_ndtr,
    ndtr,
    ndtri,
    owens_t,
)  # fmt: skip
from ddtrain.scipy.special.exponentials import boxcox, cosm1, exp1, exp10, expi, expn, exprel, inv_boxcox, lambertw
from ddtrain.scipy.special.gammas import (
    beta,
    betaln,
    binom,
    digamma,
    gamma,
    gammaln,
    gammasgn,
    loggamma,
    multigammaln,
    poch,
    polygamma,
    psi,
    rgamma,
    zeta,
)  # fmt: skip
from ddtrain.scipy.special.incomplete_beta import betainc, betaincc, betaincinv
from ddtrain.scipy.special.incomplete_gamma import gammainc, gammaincc, gammainccinv, gammaincinv
from ddtrain.scipy.special.logistic import expit, log_expit, log_softmax, logit, logsumexp, softmax, softplus
from ddtrain.scipy.special.student import stdtr, stdtrit

__all__ = [
    "beta", "betainc", "betaincc", "betaincinv", "betaln", "binom", "boxcox", "cbrt", "cosm1", "dawsn", "digamma",
    "entr", "erf", "erfc", "erfcinv", "erfcx", "erfi", "erfinv", "exp1", "exp10", "exp2", "expi", "expit", "expm1",
    "expn", "exprel", "gamma", "gammainc", "gammaincc", "gammainccinv", "gammaincinv", "gammaln", "gammasgn",
    "huber", "i0", "i0e", "i1", "i1e", "inv_boxcox", "iv", "ive", "j0", "j1", "jn", "jv", "jve", "k0", "k0e", "k1",
    "k1e", "kl_div", "kn", "kv", "kve", "lambertw", "log1p", "log_expit", "log_ndtr", "log_softmax", "loggamma",
    "logit", "logsumexp", "multigammaln", "ndtr", "ndtri", "owens_t", "poch", "polygamma", "pseudo_huber", "psi",
    "rel_entr", "rgamma", "sinc", "softmax", "softplus", "stdtr", "stdtrit", "xlog1py", "xlogy", "y0", "y1", "yn",
    "yv", "yve", "zeta",
]  # fmt: skip

# SciPy's own ufunc on a traced value is answered by the function of the same name here
COUNTERPARTS.update((getattr(_sc, name), globals()[name]) for name in __all__ if hasattr(_sc, name))
__getattr__ = fallback_to("scipy.special")
