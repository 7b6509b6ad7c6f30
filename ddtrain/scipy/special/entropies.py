"""x log y and what is made of it: entropies, divergences; and the Huber losses. A rule here serves both modes.

These are defined at zero by continuity, and so are their derivatives where they have one there.
"""

from __future__ import annotations

from typing import Any

import scipy.special as sc

from ddtrain.autodiff import def_elementwise, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import abs, clip, log, log1p, sqrt, where

__all__ = ["entr", "huber", "kl_div", "pseudo_huber", "rel_entr", "xlog1py", "xlogy"]


def _positive_pairs(r: Sampler) -> list[Case]:
    p = r.positive
    return [case(p(2, 3), p(2, 3)), case(p(4, 1), p(3)), case(p(3), p())]


def _ratio(x: Any, y: Any) -> Any:
    """x / y, and 0 at 0 / 0: what is 0 for every y does not depend on it."""
    return x / where((x == 0) & (y == 0), 1, y)


xlogy = primitive(sc.xlogy, name="xlogy", examples=_positive_pairs)
def_elementwise(xlogy, lambda g, ans, x, y: g * log(y), lambda g, ans, x, y: g * _ratio(x, y))

xlog1py = primitive(sc.xlog1py, name="xlog1py", examples=_positive_pairs)
def_elementwise(xlog1py, lambda g, ans, x, y: g * log1p(y), lambda g, ans, x, y: g * _ratio(x, 1 + y))

entr = primitive(sc.entr, name="entr", examples=lambda r: [case(r.positive(2, 3)), case(r.positive())])
def_elementwise(entr, lambda g, ans, x: -g * (log(x) + 1))

rel_entr = primitive(sc.rel_entr, name="rel_entr", examples=_positive_pairs)
def_elementwise(rel_entr, lambda g, ans, x, y: g * (log(x / y) + 1), lambda g, ans, x, y: -g * _ratio(x, y))

kl_div = primitive(sc.kl_div, name="kl_div", examples=_positive_pairs)
def_elementwise(kl_div, lambda g, ans, x, y: g * log(x / y), lambda g, ans, x, y: g * (1 - _ratio(x, y)))

huber = primitive(
    sc.huber,
    name="huber",
    examples=lambda r: [case(0.23 + abs(r.spaced(2, 3)), r.spaced(2, 3)), case(r.positive(), 3 * r(3))],
)
def_elementwise(
    huber,
    lambda g, ans, delta, x: g * where(abs(x) <= delta, 0.0, abs(x) - delta),
    lambda g, ans, delta, x: g * clip(x, -delta, delta),
)


def _wrt_delta(delta: Any, x: Any) -> Any:
    """2 ans / delta - x^2 / (delta s) with the difference taken out, in q = (x / delta)^2 and s = sqrt(1 + q)."""
    q = (x / delta) ** 2
    s = sqrt(1 + q)
    return delta * q * q / (s * (1 + s) ** 2)


pseudo_huber = primitive(
    sc.pseudo_huber, name="pseudo_huber", examples=lambda r: [case(r.positive(2, 3), r(2, 3)), case(r.positive(), r(3))]
)
def_elementwise(
    pseudo_huber,
    lambda g, ans, delta, x: g * _wrt_delta(delta, x),
    lambda g, ans, delta, x: g * x / sqrt(1 + (x / delta) ** 2),
)
