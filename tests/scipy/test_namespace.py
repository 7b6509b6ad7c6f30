"""The namespace as a whole: every name of Autograd's is there, and what has no rule refuses by name.

What would make these fail: a name lost, a value that is not SciPy's, a derivative that silently is zero, an import
without SciPy that does not say what to install.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
import scipy.special

import ddtrain.scipy as ds
from ddtrain import grad
from ddtrain.scipy import special

# what autograd.scipy 1.9 differentiates, from its behaviour
AUTOGRAD = {
    "integrate": "odeint",
    "linalg": "solve_triangular solve_banded sqrtm solve_sylvester",
    "signal": "convolve",
    "special": "beta betainc betaln polygamma psi digamma gamma gammaln gammainc gammaincc gammasgn rgamma "
    "multigammaln j0 y0 j1 y1 jn yn i0 i1 iv ive erf erfc erfinv erfcinv logit expit logsumexp",
    "stats.beta": "cdf logpdf pdf",
    "stats.chi2": "cdf logpdf pdf",
    "stats.dirichlet": "pdf logpdf",
    "stats.gamma": "cdf logpdf pdf",
    "stats.multivariate_normal": "pdf logpdf entropy",
    "stats.norm": "pdf cdf sf logpdf logcdf logsf",
    "stats.poisson": "cdf logpmf pmf",
    "stats.t": "pdf cdf logpdf logcdf",
}


@pytest.mark.parametrize("path", AUTOGRAD)
def test_every_name_that_autograd_differentiates_is_ours(path):
    module = ds
    for part in path.split("."):
        module = getattr(module, part)
    for name in AUTOGRAD[path].split():
        assert name in vars(module), f"ddtrain.scipy.{path}.{name}"


def test_scipys_own_function_on_a_traced_value_is_ours():
    assert grad(lambda x: scipy.special.expit(x) + scipy.special.gammaln(x))(1.5) == grad(
        lambda x: special.expit(x) + special.gammaln(x)
    )(1.5)


def test_without_scipy_the_import_says_what_to_install():
    program = (
        "import sys; sys.modules['scipy'] = None\n"
        "import ddtrain, ddtrain.numpy\n"
        "try: import ddtrain.scipy\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "ddtrain.scipy needs SciPy, which is not installed: pip install 'ddtrain[scipy]'"
