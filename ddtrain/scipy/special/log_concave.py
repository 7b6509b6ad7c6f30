"""Integrals of a log-concave density, times a weight, up to a point: the derivatives of the incomplete functions.

Note [Closed under differentiation]
The incomplete gamma function P(a, x) is the integral over (0, x) of the density t^(a-1) exp(-t) / gamma(a). Its
derivative in a multiplies the density by log t - psi(a), so the k-th *score moment*, the integral with the k-th power
of that factor, has only score moments and polygamma functions in its own derivatives: one primitive, every order. The
incomplete beta function has two parameters and two powers, and the same structure.

Note [Where to integrate]
In log t (log-odds for the beta function) the density is log-concave and falls exponentially. Where it has fallen by
exp(-40) the rest is below rounding, so the integral ends there. For small parameters that is thousands away, while the
density bends around u = 0 within a few units: so the interval is cut at +-6 and +-38 (beyond which exp(-|u|) is below
rounding and the density a pure exponential), and on each piece a Gauss rule converges to rounding. Points past the
mode take two intervals; or, for a first moment, which is 0 over the whole line, the one on the other side, so that it
keeps its relative accuracy in the upper tail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Function = Callable[[Array], Array]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_CUTS = np.array([-np.inf, -38.0, -6.0, 6.0, 38.0, np.inf])
_DROP = 40.0  # drop of the log density at which an integral is cut off: exp(-40) is 4e-18


def integral_up_to(end: Array, mode: Array, log_density: Function, weight: Function, centred: bool) -> Any:
    """The integral of ``exp(log_density(u)) * weight(u)`` over u < ``end``, for each entry.

    Parameters
    ----------
    end, mode : equal shapes; the density rises up to ``mode`` and falls from there on
    log_density, weight : of arrays with one axis more, the last, along which u varies
    centred : the integral over the whole line is 0

    >>> def normal(u): return -0.5 * u * u - 0.5 * np.log(2 * np.pi)
    >>> integral_up_to(np.array([0.0, 50.0]), np.zeros(2), normal, np.ones_like, centred=False).round(12)
    array([0.5, 1. ])
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        lower = _panel(_reach(np.minimum(end, mode), log_density, -1.0), np.minimum(end, mode), log_density, weight)
        right = np.maximum(end, mode)
        far = _reach(right if centred else mode, log_density, 1.0)
        if centred:
            return np.where(end <= mode, lower, -_panel(right, far, log_density, weight))
        return lower + np.where(end <= mode, 0.0, _panel(mode, np.minimum(right, far), log_density, weight))


def _reach(start: Array, log_density: Function, direction: float) -> Array:
    """A point beyond ``start`` where the density has fallen by exp(-_DROP), and not by much more."""
    floor = log_density(start[..., None])[..., 0] - _DROP

    def fallen(step: Array) -> Array:
        return log_density((start + direction * step)[..., None])[..., 0] <= floor

    step = np.full(start.shape, 2.0**-40)
    for _ in range(80):
        done = fallen(step)
        if done.all():
            break
        step = np.where(done, step, 2 * step)
    low = step / 2
    for _ in range(4):  # bisect to a sixteenth, because a panel that is too long wastes its nodes
        middle = (low + step) / 2
        done = fallen(middle)
        low, step = np.where(done, low, middle), np.where(done, middle, step)
    return start + direction * step


def _panel(left: Array, right: Array, log_density: Function, weight: Function) -> Any:
    cuts = np.clip(_CUTS, left[..., None], right[..., None])
    half = np.repeat(np.diff(cuts) / 2, len(_NODES), -1)
    u = np.repeat((cuts[..., 1:] + cuts[..., :-1]) / 2, len(_NODES), -1) + half * np.tile(_NODES, len(_CUTS) - 1)
    return np.sum(half * np.tile(_WEIGHTS, len(_CUTS) - 1) * np.exp(log_density(u)) * weight(u), -1)


def broadcast_double(*xs: Any) -> tuple[Any, list[Any]]:
    """The floating type of the arguments together, and each of them in float64 at the common shape."""
    dtype = np.result_type(*xs, np.float32)
    if dtype.kind == "c":
        raise TypeError("the incomplete gamma and beta functions take real arguments")
    return dtype, [x.astype(float) for x in np.broadcast_arrays(*xs)]
