"""Exponentials, logarithms, and the trigonometric and hyperbolic functions with their inverses.

A rule here serves both modes: the Jacobian of an elementwise function is diagonal. Constants are Python numbers,
which leave float32 alone where NumPy's would promote it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.autodiff import BOXES, def_elementwise, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy.elementwise.arithmetic import sqrt
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.comparisons import isinf

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan",
    "atan2", "atanh", "cos", "cosh", "deg2rad", "degrees", "exp", "exp2", "expm1", "hypot", "log10", "log1p", "log2",
    "logaddexp", "logaddexp2", "rad2deg", "radians", "sin", "sinh", "tan", "tanh",
]  # fmt: skip


def _any(r: Sampler) -> list[Case]:
    return [case(r(2, 3)), case(r())]


def _positive(r: Sampler) -> list[Case]:
    return [case(r.positive(2, 3)), case(r.positive())]


def _unit(r: Sampler) -> list[Case]:
    return [case(r.unit(2, 3)), case(r.unit())]


exp = primitive(np.exp, examples=_any)
def_elementwise(exp, lambda g, ans, x: g * ans)

exp2 = primitive(np.exp2, examples=_any)
def_elementwise(exp2, lambda g, ans, x: g * ans * math.log(2))

expm1 = primitive(np.expm1, examples=_any)
def_elementwise(expm1, lambda g, ans, x: g * (ans + 1))

log2 = primitive(np.log2, examples=_positive)
def_elementwise(log2, lambda g, ans, x: g / (x * math.log(2)))

log10 = primitive(np.log10, examples=_positive)
def_elementwise(log10, lambda g, ans, x: g / (x * math.log(10)))

log1p = primitive(np.log1p, examples=_positive)
def_elementwise(log1p, lambda g, ans, x: g / (x + 1))


def _part_of_sum(exponential: Any, g: Any, ans: Any, x: Any, other: Any) -> Any:
    """g exp(x - ans): the share of ``x`` in the sum.

    An infinite answer is that of its infinite terms, which share the derivative as ties of ``maximum`` do.
    """
    endless = isinf(ans)
    if type(endless) not in BOXES and not endless.any():  # what follows has the same bits, and takes longer
        return g * exponential(x - ans)
    share = where(x == other, 0.5, where(x == ans, 1.0, 0.0))
    return g * where(endless, share, exponential(where(endless, 0.0, x) - where(endless, 0.0, ans)))


logaddexp = primitive(np.logaddexp, examples=lambda r: [case(r(2, 3), r(2, 3)), case(r(4, 1), r(3)), case(r(3), 0.0)])
def_elementwise(
    logaddexp,
    lambda g, ans, x, y: _part_of_sum(exp, g, ans, x, y),
    lambda g, ans, x, y: _part_of_sum(exp, g, ans, y, x),
)

logaddexp2 = primitive(np.logaddexp2, examples=lambda r: [case(r(2, 3), r(2, 3)), case(r(4, 1), r(3))])
def_elementwise(
    logaddexp2,
    lambda g, ans, x, y: _part_of_sum(exp2, g, ans, x, y),
    lambda g, ans, x, y: _part_of_sum(exp2, g, ans, y, x),
)

sin = primitive(np.sin, examples=_any)
cos = primitive(np.cos, examples=_any)
def_elementwise(sin, lambda g, ans, x: g * cos(x))
def_elementwise(cos, lambda g, ans, x: -g * sin(x))

tan = primitive(np.tan, examples=_unit)
def_elementwise(tan, lambda g, ans, x: g * (1 + ans * ans))

arcsin = primitive(np.arcsin, examples=_unit)
def_elementwise(arcsin, lambda g, ans, x: g / sqrt(1 - x * x))
asin = arcsin

arccos = primitive(np.arccos, examples=_unit)
def_elementwise(arccos, lambda g, ans, x: -g / sqrt(1 - x * x))
acos = arccos

arctan = primitive(np.arctan, examples=_any)
def_elementwise(arctan, lambda g, ans, x: g / (1 + x * x))
atan = arctan

arctan2 = primitive(np.arctan2, examples=lambda r: [case(r.positive(2, 3), r(2, 3)), case(r.positive(4, 1), r(3))])
def_elementwise(arctan2, lambda g, ans, y, x: g * x / (x * x + y * y), lambda g, ans, y, x: -g * y / (x * x + y * y))
atan2 = arctan2

hypot = primitive(np.hypot, examples=lambda r: [case(r.positive(2, 3), r(2, 3)), case(r.positive(4, 1), r(3))])
def_elementwise(hypot, lambda g, ans, x, y: g * x / ans, lambda g, ans, x, y: g * y / ans)

sinh = primitive(np.sinh, examples=_any)
cosh = primitive(np.cosh, examples=_any)
def_elementwise(sinh, lambda g, ans, x: g * cosh(x))
def_elementwise(cosh, lambda g, ans, x: g * sinh(x))

tanh = primitive(np.tanh, examples=_any)
# g (1 - ans^2) without the constant 1, which NumPy would convert to an array: saves a third of the time
def_elementwise(tanh, lambda g, ans, x: g - g * ans * ans)

arcsinh = primitive(np.arcsinh, examples=_any)
def_elementwise(arcsinh, lambda g, ans, x: g / sqrt(x * x + 1))
asinh = arcsinh

arccosh = primitive(np.arccosh, examples=lambda r: [case(1 + r.positive(2, 3))])
def_elementwise(arccosh, lambda g, ans, x: g / (sqrt(x - 1) * sqrt(x + 1)))
acosh = arccosh

arctanh = primitive(np.arctanh, examples=_unit)
def_elementwise(arctanh, lambda g, ans, x: g / (1 - x * x))
atanh = arctanh

deg2rad = primitive(np.deg2rad, examples=_any)
def_elementwise(deg2rad, lambda g, ans, x: g * (math.pi / 180))
radians = deg2rad

rad2deg = primitive(np.rad2deg, examples=_any)
def_elementwise(rad2deg, lambda g, ans, x: g * (180 / math.pi))
degrees = rad2deg
