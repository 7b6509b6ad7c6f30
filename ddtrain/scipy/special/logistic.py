"""Log-sum-exp, the softmax family and the logistic function, none of which overflows.

The weights of a log-sum-exp's derivative are exp(x - answer): at most one without ``b``, whatever the size of x.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from ddtrain.autodiff import def_elementwise, defjvp, defvjp, nondifferentiable, primitive, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.numpy import absolute, broadcast_to, exp, logaddexp
from ddtrain.numpy.along_axes.reductions import Axis, spread, sum
from ddtrain.numpy.elementwise.choices import where
from ddtrain.numpy.manipulation.shapes import as_array

__all__ = ["expit", "log_expit", "log_softmax", "logit", "logsumexp", "softmax", "softplus"]


def _scaled_sum(x: Any, b: Any, axis: Axis) -> tuple[Any, Any]:
    """s and m, with the axes kept: the sum of b exp(x) is s exp(m), with m the largest exponent."""
    if b is not None:
        # a term of weight 0 does not count, however large it is
        x = np.where(b == 0, -np.inf, x).astype(x.dtype, copy=False)
    shift = np.max(x.real, axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(shift), shift, 0).astype(x.real.dtype, copy=False)
    terms = np.exp(x - shift)
    return np.sum(terms if b is None else b * terms, axis, keepdims=True), shift


def _logsumexp(x: Any, b: Any = None, axis: Axis = None, keepdims: bool = False, of_size: bool = False) -> Any:
    total, shift = _scaled_sum(x, b, axis)
    if of_size and total.dtype.kind == "c":
        raise TypeError("logsumexp: the sign of a complex sum is a phase, which has no rule; leave out return_sign")
    with np.errstate(divide="ignore"):  # without terms, or with all weights 0, the result is log 0 = -inf
        kept = np.log(np.abs(total) if of_size else total) + shift
    return kept if keepdims else np.squeeze(kept, axis)[()]


def _sign_of_sum(x: Any, b: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    kept = np.sign(_scaled_sum(x, b, axis)[0])
    return kept if keepdims else np.squeeze(kept, axis)[()]


def _weight(ans: Any, x: Any, b: Any, axis: Axis, of_size: bool) -> Any:
    """exp(x - ans), with the sign of the sum where its size was taken; 0 where the sum has no terms.

    An infinite sum is that of its infinite terms, which share the derivative, as those of logaddexp do.
    """
    top = spread(ans, x, axis)
    top = where(top == -np.inf, 0.0, top)
    endless = x == np.inf
    if np.any(value_of(endless)):
        total = sum(endless.astype(x.dtype) if b is None else endless * b, axis, keepdims=True)
        total = absolute(total) if of_size else total
        weight = exp(where(endless | (total != 0), 0.0, x - top))
        weight = where(total != 0, endless / where(total != 0, total, 1.0), weight)
    else:
        weight = exp(x - top)
    return weight * spread(sign_of_sum(x, b, axis=axis), x, axis) if of_size else weight


def _wrt_x(ans: Any, x: Any, b: Any, axis: Axis, of_size: bool) -> Any:
    weight = _weight(ans, x, b, axis, of_size)
    return weight if b is None else weight * b


# for x and b of equal shapes
logsumexp_of = primitive(
    _logsumexp,
    name="logsumexp",
    examples=lambda r: [
        case(r(2, 3)),
        case(r(2, 3), None, axis=1),
        case(r(2, 3), r.positive(2, 3), axis=(0, 1), keepdims=True),
        case(r(2, 3), r.spaced(2, 3), axis=0, of_size=True),
    ],
)
sign_of_sum = nondifferentiable(_sign_of_sum, name="logsumexp")
defvjp(
    logsumexp_of,
    lambda g, ans, x, b=None, axis=None, keepdims=False, of_size=False: (
        spread(g, x, axis) * _wrt_x(ans, x, b, axis, of_size)
    ),
    lambda g, ans, x, b=None, axis=None, keepdims=False, of_size=False: (
        spread(g, x, axis) * _weight(ans, x, b, axis, of_size)
    ),
)
defjvp(
    logsumexp_of,
    lambda g, ans, x, b=None, axis=None, keepdims=False, of_size=False: sum(
        g * _wrt_x(ans, x, b, axis, of_size), axis, keepdims=keepdims
    ),
    lambda g, ans, x, b=None, axis=None, keepdims=False, of_size=False: sum(
        g * _weight(ans, x, b, axis, of_size), axis, keepdims=keepdims
    ),
)


def logsumexp(a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """log(sum(b * exp(a))) along ``axis``, computed without overflow.

    Parameters
    ----------
    b : weights, of either sign, that broadcast against ``a``; None is 1
    return_sign : return (logarithm of the absolute sum, sign of the sum)

    Raises
    ------
    TypeError : ``return_sign`` of complex numbers

    >>> logsumexp(np.array([1000.0, 1000.0]))
    np.float64(1000.6931471805599)
    """
    a = _floating(a)
    if b is not None:
        b = _floating(b)
        shape = np.broadcast_shapes(a.shape, b.shape)
        a, b = broadcast_to(a, shape), broadcast_to(b, shape)
    if not return_sign:
        return logsumexp_of(a, b, axis=axis, keepdims=keepdims)
    size = logsumexp_of(a, b, axis=axis, keepdims=keepdims, of_size=True)
    return size, sign_of_sum(a, b, axis=axis, keepdims=keepdims)


def _floating(x: Any) -> Any:
    """``x`` as an array of floating numbers, or the box it is."""
    x = as_array(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def log_softmax(x: Any, axis: Axis = None) -> Any:
    """x - logsumexp(x): the logarithm of :func:`softmax`, exact where the softmax itself underflows.

    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    x = _floating(x)
    return x - logsumexp(x, axis, keepdims=True)


def softmax(x: Any, axis: Axis = None) -> Any:
    """exp(x) / sum(exp(x)) along ``axis``.

    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return exp(log_softmax(x, axis))


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), the integral of :func:`expit`, without overflow.

    >>> float(softplus(1000.0))
    1000.0
    """
    return logaddexp(0.0, x)


expit = primitive(sc.expit, name="expit", examples=lambda r: [case(r(2, 3)), case(r())])
def_elementwise(expit, lambda g, ans, x: g * ans * expit(-x))

logit = primitive(
    sc.logit, name="logit", examples=lambda r: [case(0.5 + 0.5 * r.unit(2, 3)), case(0.5 + 0.5 * r.unit())]
)
def_elementwise(logit, lambda g, ans, x: g / (x * (1 - x)))

log_expit = primitive(sc.log_expit, name="log_expit", examples=lambda r: [case(r(2, 3)), case(r())])
def_elementwise(log_expit, lambda g, ans, x: g * expit(-x))
