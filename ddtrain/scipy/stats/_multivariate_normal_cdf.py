"""The probability that correlated standard normal variables all stay below bounds, Phi_D(z; r).

Conditioning on variables gives every derivative (Plackett, Biometrika 41, 1954): along a bound it is that variable's
density times the probability of the others given it there; along a correlation it is the density of the pair times the
probability of the others given both. So the rules call the function itself, in fewer dimensions, to any order.
"""

# N points, D dimensions, P = D (D - 1) / 2 pairs of them, K known variables

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy import concatenate, diagonal, exp, expand_dims, sqrt, stack, sum
from ddtrain.numpy.linalg.determinants import det
from ddtrain.numpy.linalg.solves import inv
from ddtrain.scipy.fallback import fallback_to
from ddtrain.scipy.special import ndtr

theirs = fallback_to("scipy.stats.multivariate_normal")


def _matrix(r_P: Any, dim: int) -> Any:
    """The correlation matrix of the correlations of all pairs, in the order of its upper triangle."""
    place = np.full((dim, dim), -1)
    for p, (i, j) in enumerate(combinations(range(dim), 2)):
        place[i, j] = place[j, i] = p
    return concatenate([r_P, np.ones(1, r_P.dtype)])[place]


def _owen(h: Any, k: Any, r: Any) -> Any:
    """Phi_2 by Owen's T function (Annals of Mathematical Statistics 27, 1956), to some 1e-15."""
    s = np.sqrt((1 - r) * (1 + r))
    with np.errstate(divide="ignore", invalid="ignore"):
        of_h = np.where(h == 0, np.copysign(np.inf, k), (k / h - r) / s)
        of_k = np.where(k == 0, np.copysign(np.inf, h), (h / k - r) / s)
    apart = np.where((h * k > 0) | ((h * k == 0) & (h + k >= 0)), 0.0, 0.5)
    inside = 0.5 * (sc.ndtr(h) + sc.ndtr(k)) - sc.owens_t(h, of_h) - sc.owens_t(k, of_k) - apart
    both_zero = 0.25 + np.arcsin(r) / (2 * np.pi)
    return np.clip(np.where((h == 0) & (k == 0), both_zero, inside), 0.0, 1.0)


def _probability(z_ND: Any, r_P: Any, how: dict[str, Any]) -> Any:
    n, dim = z_ND.shape
    if dim == 2:
        return _owen(z_ND[:, 0], z_ND[:, 1], r_P[0]).astype(z_ND.dtype)
    found = theirs("cdf")(z_ND, np.zeros(dim), _matrix(r_P, dim), **how)
    return np.reshape(found, n).astype(z_ND.dtype)


of_several = primitive(  # the examples have two dimensions, where values are exact; tests/scipy/stats has more
    _probability,
    name="normal_orthant",
    examples=lambda r: [case(r(3, 2), 0.6 * r.unit(1), {}), case(r(1, 2), 0.6 * r.unit(1), {})],
)


def probability(z_ND: Any, r_DD: Any, how: dict[str, Any]) -> Any:
    """Phi_D of each point; above two dimensions by SciPy's integrator, which is given the options ``how``."""
    n, dim = z_ND.shape
    if dim == 0:
        return np.ones(n, z_ND.dtype)
    return ndtr(z_ND[:, 0]) if dim == 1 else of_several(z_ND, r_DD[np.triu_indices(dim, 1)], how)


def _given(known: tuple[int, ...], z_ND: Any, r_DD: Any, how: dict[str, Any]) -> Any:
    """Density of the ``known`` variables at their bounds, times the probability of the others given them there."""
    rest, known_ = [k for k in range(z_ND.shape[1]) if k not in known], list(known)
    z_NK, r_KK, across = z_ND[:, known_], r_DD[known_][:, known_], r_DD[rest][:, known_]
    inverse = inv(r_KK)
    density = exp(-0.5 * sum(z_NK @ inverse * z_NK, 1)) / (sqrt(det(r_KK)) * (2 * math.pi) ** (len(known) / 2))
    weights = across @ inverse
    cov = r_DD[rest][:, rest] - weights @ across.T
    deviation = sqrt(diagonal(cov))
    others = (z_ND[:, rest] - z_NK @ weights.T) / deviation
    return density * probability(others, cov / (expand_dims(deviation, 1) * deviation), how)


def _along_bounds(z_ND: Any, r_P: Any, how: dict[str, Any]) -> Any:
    dim = z_ND.shape[1]
    r_DD = _matrix(r_P, dim)
    return stack([_given((i,), z_ND, r_DD, how) for i in range(dim)], 1)


def _along_correlations(z_ND: Any, r_P: Any, how: dict[str, Any]) -> Any:
    dim = z_ND.shape[1]
    r_DD = _matrix(r_P, dim)
    return stack([_given(pair, z_ND, r_DD, how) for pair in combinations(range(dim), 2)], 1)


defvjp(
    of_several,
    lambda g, ans, z, r, how: expand_dims(g, 1) * _along_bounds(z, r, how),
    lambda g, ans, z, r, how: sum(expand_dims(g, 1) * _along_correlations(z, r, how), 0),
)
defjvp(
    of_several,
    lambda g, ans, z, r, how: sum(g * _along_bounds(z, r, how), 1),
    lambda g, ans, z, r, how: sum(g * _along_correlations(z, r, how), 1),
)
