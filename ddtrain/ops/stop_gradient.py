"""A value that derivatives do not pass."""

from __future__ import annotations

from ddtrain.autodiff import Array, nondifferentiable


def _stop_gradient(x: Array) -> Array:
    """``x`` itself, as a constant: its derivative is zero in every mode and order.

    >>> import ddtrain.numpy as np
    >>> from ddtrain import grad
    >>> grad(lambda x: np.sum(x * stop_gradient(x)))(np.array([3.0]))
    array([3.])
    """
    return x


stop_gradient = nondifferentiable(_stop_gradient, name="stop_gradient")
