"""Bessel functions of the first and second kind, plain and modified. Orders are held constant.

The rules are the recurrences of neighbouring orders (DLMF 10.6, 10.29), which stay finite at zero where the forms
with a division by x do not. The scaled functions carry a factor exp(-|real(x)|), exp(-|imag(x)|) or exp(x), whose
derivative is added.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import Primitive, def_elementwise, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy import imag, real, sign
from ddtrain.scipy.fallback import refuse_rest

__all__ = [
    "i0", "i0e", "i1", "i1e", "iv", "ive", "j0", "j1", "jn", "jv", "jve", "k0", "k0e", "k1", "k1e", "kn", "kv", "kve",
    "y0", "y1", "yn", "yv", "yve",
]  # fmt: skip


def _any(r: Sampler) -> list[Case]:
    return [case(r(2, 3)), case(r())]


def _positive(r: Sampler) -> list[Case]:
    return [case(r.positive(2, 3)), case(r.positive())]


def _of_order(prim: Primitive, rule: Any, jvp_rule: Any = None) -> None:
    """Give ``prim(order, x)`` the derivative ``rule(g, ans, order, x)`` in x, for both modes unless told."""
    defvjp(prim, rule, argnums=[1])
    defjvp(prim, jvp_rule or rule, argnums=[1])
    refuse_rest(prim, "the derivative of a Bessel function in its order has no closed form")


def _orders(r: Sampler) -> list[Case]:
    return [case(1.5, r.positive(2, 3)), case(0, r.positive(3)), case(2, r.positive())]


def _whole_orders(r: Sampler) -> list[Case]:
    return [case(1, r.positive(2, 3)), case(0, r.positive(3)), case(3, r.positive())]


jv = primitive(sc.jv, name="jv", examples=_orders)
_of_order(jv, lambda g, ans, v, x: g * (0.5 * (jv(v - 1, x) - jv(v + 1, x))))
jn = jv

yv = primitive(sc.yv, name="yv", examples=_orders)
_of_order(yv, lambda g, ans, v, x: g * (0.5 * (yv(v - 1, x) - yv(v + 1, x))))


def _scaled(prim: Primitive) -> None:
    """The rule of ``jve`` and ``yve``, whose factor exp(-|imag(x)|) does not enter analytically; 1 of a real x."""

    def plain(g: Any, v: Any, x: Any) -> Any:
        return g * (0.5 * (prim(v - 1, x) - prim(v + 1, x)))

    def vjp(g: Any, ans: Any, v: Any, x: Any) -> Any:
        return plain(g, v, x) + (1j * real(g * ans) * sign(imag(x)) if x.dtype.kind == "c" else 0.0)

    def jvp(g: Any, ans: Any, v: Any, x: Any) -> Any:
        return plain(g, v, x) - (imag(g) * sign(imag(x)) * ans if x.dtype.kind == "c" else 0.0)

    _of_order(prim, vjp, jvp)


def _off_the_axis(r: Sampler) -> list[Case]:
    """Where the scale has a derivative."""
    return [
        case(v, x + np.asarray(0.6j if r.dtype.kind == "c" else 0, r.dtype)) for v, x in (c.args for c in _orders(r))
    ]


jve = primitive(sc.jve, name="jve", examples=_off_the_axis)
yve = primitive(sc.yve, name="yve", examples=_off_the_axis)
_scaled(jve)
_scaled(yve)

yn = primitive(sc.yn, name="yn", examples=_whole_orders)
_of_order(yn, lambda g, ans, n, x: g * (0.5 * (yn(n - 1, x) - yn(n + 1, x))))

iv = primitive(sc.iv, name="iv", examples=_orders)
_of_order(iv, lambda g, ans, v, x: g * (0.5 * (iv(v - 1, x) + iv(v + 1, x))))

ive = primitive(sc.ive, name="ive", examples=_orders)
_of_order(  # the factor exp(-|real(x)|) is not analytic in a complex x
    ive,
    lambda g, ans, v, x: g * (0.5 * (ive(v - 1, x) + ive(v + 1, x))) - real(g * ans) * sign(real(x)),
    lambda g, ans, v, x: g * (0.5 * (ive(v - 1, x) + ive(v + 1, x))) - real(g) * sign(real(x)) * ans,
)

kv = primitive(sc.kv, name="kv", examples=_orders)
_of_order(kv, lambda g, ans, v, x: g * (-0.5 * (kv(v - 1, x) + kv(v + 1, x))))

kn = primitive(sc.kn, name="kn", examples=_whole_orders)
_of_order(kn, lambda g, ans, n, x: g * (-0.5 * (kn(abs(n - 1), x) + kn(n + 1, x))))

kve = primitive(sc.kve, name="kve", examples=_orders)
_of_order(kve, lambda g, ans, v, x: g * (ans - 0.5 * (kve(v - 1, x) + kve(v + 1, x))))

j0 = primitive(sc.j0, name="j0", examples=_any)
j1 = primitive(sc.j1, name="j1", examples=_any)
def_elementwise(j0, lambda g, ans, x: -g * j1(x))
def_elementwise(j1, lambda g, ans, x: g * (0.5 * (j0(x) - jv(2, x))))

y0 = primitive(sc.y0, name="y0", examples=_positive)
y1 = primitive(sc.y1, name="y1", examples=_positive)
def_elementwise(y0, lambda g, ans, x: -g * y1(x))
def_elementwise(y1, lambda g, ans, x: g * (0.5 * (y0(x) - yv(2, x))))

i0 = primitive(sc.i0, name="i0", examples=_any)
i1 = primitive(sc.i1, name="i1", examples=_any)
def_elementwise(i0, lambda g, ans, x: g * i1(x))
def_elementwise(i1, lambda g, ans, x: g * (0.5 * (i0(x) + iv(2, x))))

i0e = primitive(sc.i0e, name="i0e", examples=_any)
i1e = primitive(sc.i1e, name="i1e", examples=_any)
def_elementwise(i0e, lambda g, ans, x: g * (i1e(x) - sign(x) * ans))
def_elementwise(i1e, lambda g, ans, x: g * (0.5 * (i0e(x) + ive(2, x)) - sign(x) * ans))

k0 = primitive(sc.k0, name="k0", examples=_positive)
k1 = primitive(sc.k1, name="k1", examples=_positive)
def_elementwise(k0, lambda g, ans, x: -g * k1(x))
def_elementwise(k1, lambda g, ans, x: g * (-0.5 * (k0(x) + kv(2, x))))

k0e = primitive(sc.k0e, name="k0e", examples=_positive)
k1e = primitive(sc.k1e, name="k1e", examples=_positive)
def_elementwise(k0e, lambda g, ans, x: g * (ans - k1e(x)))
def_elementwise(k1e, lambda g, ans, x: g * (ans - 0.5 * (k0e(x) + kve(2, x))))
