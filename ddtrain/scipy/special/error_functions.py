"""The error functions, their inverses, the normal distribution function and Owen's T. A rule here serves both modes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import def_elementwise, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import exp

__all__ = ["dawsn", "erf", "erfc", "erfcinv", "erfcx", "erfi", "erfinv", "log_ndtr", "ndtr", "ndtri", "owens_t"]

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
ROOT_2_PI = math.sqrt(2 * math.pi)


def _any(r: Sampler) -> list[Case]:
    return [case(r(2, 3)), case(r())]


def _within(low: float, high: float) -> Any:
    middle, half = (low + high) / 2, (high - low) / 2
    return lambda r: [case(middle + half * r.unit(2, 3)), case(middle + half * r.unit())]


erf = primitive(sc.erf, name="erf", examples=_any)
def_elementwise(erf, lambda g, ans, x: g * (TWO_OVER_ROOT_PI * exp(-x * x)))

erfc = primitive(sc.erfc, name="erfc", examples=_any)
def_elementwise(erfc, lambda g, ans, x: -g * (TWO_OVER_ROOT_PI * exp(-x * x)))

erfcx = primitive(sc.erfcx, name="erfcx", examples=_any)
def_elementwise(erfcx, lambda g, ans, x: g * (2 * x * ans - TWO_OVER_ROOT_PI))

erfi = primitive(sc.erfi, name="erfi", examples=_any)
def_elementwise(erfi, lambda g, ans, x: g * (TWO_OVER_ROOT_PI * exp(x * x)))

dawsn = primitive(sc.dawsn, name="dawsn", examples=_any)
def_elementwise(dawsn, lambda g, ans, x: g * (1 - 2 * x * ans))

erfinv = primitive(sc.erfinv, name="erfinv", examples=_within(-1, 1))
def_elementwise(erfinv, lambda g, ans, y: g * (exp(ans * ans) / TWO_OVER_ROOT_PI))

erfcinv = primitive(sc.erfcinv, name="erfcinv", examples=_within(0, 2))
def_elementwise(erfcinv, lambda g, ans, y: -g * (exp(ans * ans) / TWO_OVER_ROOT_PI))

ndtr = primitive(sc.ndtr, name="ndtr", examples=_any)
def_elementwise(ndtr, lambda g, ans, x: g * (exp(-0.5 * x * x) / ROOT_2_PI))

ndtri = primitive(sc.ndtri, name="ndtri", examples=_within(0, 1))
def_elementwise(ndtri, lambda g, ans, y: g * (exp(0.5 * ans * ans) * ROOT_2_PI))


def _hazard(x: Any) -> Any:
    """Normal density over distribution function, by erfcx: the ratio of two vanishing numbers, taken before both do."""
    return math.sqrt(2 / math.pi) / sc.erfcx(-x / math.sqrt(2))


hazard = primitive(_hazard, name="hazard", examples=lambda r: [*_any(r), case(np.array([-30.0, 30.0], r.dtype))])
def_elementwise(hazard, lambda g, ans, x: -g * ans * (x + ans))

log_ndtr = primitive(sc.log_ndtr, name="log_ndtr", examples=lambda r: [*_any(r), case(10 * r(3))])
def_elementwise(log_ndtr, lambda g, ans, x: g * hazard(x))

owens_t = primitive(sc.owens_t, name="owens_t", examples=lambda r: [case(r(2, 3), r(2, 3)), case(r(), r())])
def_elementwise(
    owens_t,
    lambda g, ans, h, a: -g * (exp(-0.5 * h * h) / ROOT_2_PI) * (ndtr(a * h) - 0.5),
    lambda g, ans, h, a: g * exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a)),
)
