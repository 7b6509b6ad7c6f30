"""Arithmetic: sums, products, quotients, powers, remainders, absolute values.

A rule here serves both modes: the Jacobian of an elementwise function is diagonal.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.autodiff import def_elementwise, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.elementwise.comparisons import floor, sign, trunc

__all__ = [
    "abs", "absolute", "add", "cbrt", "divide", "fabs", "fmod", "log", "mod", "multiply", "negative", "positive", "pow",
    "power", "reciprocal", "remainder", "sqrt", "square", "subtract", "true_divide",
]  # fmt: skip


def _pairs(r: Sampler) -> list[Case]:
    """Equal shapes, broadcasting on both sides, 0-d, a Python number on either side."""
    return [case(r(2, 3), r(2, 3)), case(r(4, 1), r(3)), case(r(), r(2)), case(r(3), 2.0), case(0.5, r(3))]


def _positive_pairs(r: Sampler) -> list[Case]:
    p = r.positive
    return [case(p(2, 3), p(2, 3)), case(p(4, 1), p(3)), case(p(), p(2)), case(p(3), 2.0), case(0.5, p(3))]


add = primitive(np.add, examples=_pairs)
def_elementwise(add, lambda g, ans, x, y: g, lambda g, ans, x, y: g)

subtract = primitive(np.subtract, examples=_pairs)
def_elementwise(subtract, lambda g, ans, x, y: g, lambda g, ans, x, y: -g)

multiply = primitive(np.multiply, examples=_pairs)
def_elementwise(multiply, lambda g, ans, x, y: g * y, lambda g, ans, x, y: g * x)

divide = primitive(np.divide, examples=_positive_pairs)
def_elementwise(divide, lambda g, ans, x, y: g / y, lambda g, ans, x, y: -g * ans / y)
true_divide = divide

negative = primitive(np.negative, examples=lambda r: [case(r(2, 3)), case(r())])
def_elementwise(negative, lambda g, ans, x: -g)

positive = primitive(np.positive, examples=lambda r: [case(r(2, 3))])
def_elementwise(positive, lambda g, ans, x: g)

reciprocal = primitive(np.reciprocal, examples=lambda r: [case(r.positive(2, 3))])
def_elementwise(reciprocal, lambda g, ans, x: -g * ans * ans)

square = primitive(np.square, examples=lambda r: [case(r(2, 3)), case(r())])
def_elementwise(square, lambda g, ans, x: g * (2 * x))

sqrt = primitive(np.sqrt, examples=lambda r: [case(r.positive(2, 3)), case(r.positive())])
def_elementwise(sqrt, lambda g, ans, x: 0.5 * g / ans)

cbrt = primitive(np.cbrt, examples=lambda r: [case(r.positive(2, 3))])
def_elementwise(cbrt, lambda g, ans, x: g / (3 * ans * ans))


def _base_rule(g: Any, ans: Any, x: Any, y: Any) -> Any:
    """y x^(y-1), which is 0 and not 0 * inf where y = 0."""
    if type(y) is int or type(y) is float:
        return g * (2 * x) if y == 2 else g * (y * x ** (y - 1 if y else 1))
    return g * y * x ** where(y == 0, 1, y - 1)


def _exponent_rule(g: Any, ans: Any, x: Any, y: Any) -> Any:
    """x^y log x, which is 0 where x = 0, and undefined where x is negative."""
    if type(x) is int or type(x) is float:
        return g * ans * (math.log(x) if x > 0 else 0.0 if x == 0 else math.nan)
    return g * ans * log(where(x == 0, 1, x))


log = primitive(np.log, examples=lambda r: [case(r.positive(2, 3)), case(r.positive())])
def_elementwise(log, lambda g, ans, x: g / x)

power = primitive(
    np.power,
    examples=lambda r: [
        *_positive_pairs(r),
        case(r(3), 3),
        case(r(3), 0),
        case(r(3), np.array([0.0, 1.0, 2.0]), argnums=(0,)),
    ],
)
def_elementwise(power, _base_rule, _exponent_rule)

pow = power

# x - y floor(x / y) and x - y trunc(x / y): the rounded quotient is constant almost everywhere
remainder = primitive(np.remainder, examples=lambda r: [case(r.positive(2, 3), 0.4 + r.positive(2, 3))])
def_elementwise(remainder, lambda g, ans, x, y: g, lambda g, ans, x, y: -g * floor(x / y))
mod = remainder

fmod = primitive(np.fmod, examples=lambda r: [case(r.positive(2, 3), 0.4 + r.positive(2, 3))])
def_elementwise(fmod, lambda g, ans, x, y: g, lambda g, ans, x, y: -g * trunc(x / y))


def _inverse(length: Any) -> Any:
    length = np.asarray(length)
    return np.divide(1, length, out=np.zeros_like(length), where=length != 0)


def _inverse_length_rule(g: Any, ans: Any, length: Any) -> Any:
    return where(length == 0, math.nan, -ans * ans) * g


# 1 / length, and 0 where length is 0. A length that is differentiated by this factor has the derivative 0 at 0, where
# it has none. It has no second derivative there either, so the derivative of this factor is NaN at 0: were it 0, the
# second derivative of length^2 would come out as 0 instead of 2.
inverse_length = primitive(
    _inverse, name="inverse_length", examples=lambda r: [case(r.positive(2, 3)), case(r.positive())]
)
def_elementwise(inverse_length, _inverse_length_rule)


def _root(x: Any, n: float = 2) -> Any:
    return np.sqrt(x) if n == 2 else np.asarray(x) ** (1 / n)


# the root of a sum of powers is never negative; its derivative at 0 does not exist and is taken to be 0
root = primitive(_root, name="root", examples=lambda r: [case(r.positive(2, 3)), case(r.positive(), r.positive())])
def_elementwise(
    root,
    lambda g, ans, x, n=2: g * ans * inverse_length(x) / n,
    lambda g, ans, x, n: -g * ans * log(where(x == 0, 1, x)) / (n * n),
)


def _direction(ans: Any, x: Any) -> Any:
    """x / |x|, and 0 at 0."""
    return x * inverse_length(ans) if x.dtype.kind == "c" else sign(x)


absolute = primitive(np.absolute, examples=lambda r: [case(r(2, 3)), case(r())])
defvjp(absolute, lambda g, ans, x: g * _direction(ans, x).conj())
defjvp(absolute, lambda g, ans, x: (g * _direction(ans, x).conj()).real)
abs = absolute

fabs = primitive(np.fabs, examples=lambda r: [case(r.spaced(2, 3))])
def_elementwise(fabs, lambda g, ans, x: g * sign(x))
