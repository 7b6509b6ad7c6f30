"""The whole Hessian, for models so small that n² numbers and n products are no matter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ddtrain.optim.protocol import Vector


def whole_hessian(product: Callable[[Vector], Vector], x: Vector) -> Vector:
    """The Hessian at ``x``, (n, n) in float64 and symmetric, a column from each product.

    >>> h = np.array([[2.0, 1.0], [1.0, 3.0]])
    >>> whole_hessian(lambda v: h @ v, np.zeros(2))
    array([[2., 1.],
           [1., 3.]])
    """
    n = len(x)
    hessian = np.empty((n, n))
    for k in range(n):
        unit = np.zeros_like(x)
        unit[k] = 1
        hessian[:, k] = product(unit)
    symmetric: Vector = 0.5 * (hessian + hessian.T)
    return symmetric
