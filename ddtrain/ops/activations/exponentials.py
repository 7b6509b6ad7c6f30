"""Activations that are a line on the right and an exponential on the left: ELU, SELU, softplus."""

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import UsageError
from ddtrain.kernels import activation as kernel

# the fixed point of mean 0 and variance 1: Klambauer et al., arXiv:1706.02515, eq. 14
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _elu(x: Array, alpha: float = 1.0) -> Array:
    """x where positive, ``alpha * (exp(x) - 1)`` elsewhere (Clevert et al., arXiv:1511.07289).

    >>> elu(np.array([-1000.0, 0.0, 2.0]))
    array([-1.,  0.,  2.])
    """
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x)))  # the inner choice: no overflow on the right


def _elu_forward(x: Any, alpha: float = 1.0) -> tuple[Any, Any]:
    y = kernel.elu(x, alpha, 1.0)
    return y, y


def _elu_backward(needs: tuple[int, ...], g: Any, y: Any, x: Any, alpha: float = 1.0) -> list[Any]:
    return [kernel.elu_backward(g, x, y, alpha, 1.0)]


elu = fused(
    _elu,
    _elu_forward,
    _elu_backward,
    mixed=1,
    name="elu",
    examples=lambda r: [case(r.spaced(3, 4)), case(r.spaced(3), alpha=0.5)],
)


def _selu(x: Array) -> Array:
    """``1.0507 * elu(x, alpha=1.6733)``, under which mean 0 and variance 1 reproduce themselves.

    References
    ----------
    Klambauer, Unterthiner, Mayr, Hochreiter (2017), "Self-normalizing neural networks", arXiv:1706.02515.

    >>> selu(np.array([-1000.0, 0.0, 1.0])).round(4)
    array([-1.7581,  0.    ,  1.0507])
    """
    return SELU_SCALE * _elu(x, SELU_ALPHA)


def _selu_forward(x: Any) -> tuple[Any, Any]:
    y = kernel.elu(x, SELU_ALPHA, SELU_SCALE)
    return y, y


selu = fused(
    _selu,
    _selu_forward,
    lambda needs, g, y, x: [kernel.elu_backward(g, x, y, SELU_ALPHA, SELU_SCALE)],
    mixed=1,
    name="selu",
    examples=lambda r: [case(r.spaced(3, 4)), case(r.spaced())],
)


def _softplus(x: Array, beta: float = 1.0) -> Array:
    """``log(1 + exp(beta * x)) / beta``, a smooth ReLU, without overflow.

    PyTorch's is x itself where ``beta * x`` is above 20, which is off by up to 2e-9; this one is exact.

    Raises
    ------
    UsageError : beta is not positive

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    _check_beta(beta)
    return np.logaddexp(0.0, beta * x) / beta


def _check_beta(beta: float) -> None:
    if not beta > 0:
        raise UsageError(f"softplus: beta {beta} is not positive")


def _softplus_forward(x: Any, beta: float = 1.0) -> tuple[Any, Any]:
    _check_beta(beta)
    return kernel.softplus(x, beta), None


softplus = fused(
    _softplus,
    _softplus_forward,
    lambda needs, g, saved, x, beta=1.0: [kernel.softplus_backward(g, x, beta)],
    mixed=1,
    name="softplus",
    examples=lambda r: [case(r(3, 4)), case(r(3), beta=2.0)],
)
