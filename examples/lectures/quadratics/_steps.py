"""How long gradient descent takes on a quadratic: worked out, not run, as it may take longer than anyone waits."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def linear_regression(x_ND: Array, t_NK: Array, part: float = 0.01) -> tuple[float, float, float]:
    """What least squares with a bias takes of gradient descent from zero, at its best constant rate.

    Parameters
    ----------
    x_ND, t_NK : inputs and targets, (N, K) or (N,)
    part : of the targets' variance, by which the squared error may exceed its minimum at the end

    Returns
    -------
    condition : of the Gram matrix, of the directions in which there is any variation
    lr : 2 / (λmin + λmax), the rate that is best in the worst case
    steps : until then, by (1 − αλ)^k along each eigenvector

    >>> condition, lr, steps = linear_regression(np.array([[-1.0], [1.0], [-1.0], [1.0]]), np.arange(4.0))
    >>> condition, lr, steps
    (1.0, 1.0, 1.0)
    """
    scale = len(x_ND) ** 0.5
    left, roots, _ = np.linalg.svd(np.column_stack([np.ones(len(x_ND)), x_ND]) / scale, full_matrices=False)
    varies = roots > 1e-9 * roots[0]
    values, left = roots[varies] ** 2, left[:, varies]
    errors = ((left.T @ t_NK.reshape(len(x_ND), -1) / scale) ** 2).sum(axis=1)  # squared, at zero
    lr = 2 / (values[0] + values[-1])
    steps = _steps(errors, lr * values, part * float(t_NK.var(axis=0).sum()))
    return float(values[0] / values[-1]), float(lr), steps


def _steps(errors: Array, rates: Array, enough: float) -> float:
    """The first k at which ``Σ errors (1 − rates)^2k`` is no more than enough, by doubling and bisection."""
    with np.errstate(divide="ignore"):  # of directions that one step finishes
        shrinks = np.where(rates < 1, np.log1p(-np.minimum(rates, 1)), np.log1p(np.maximum(rates, 1) - 2))
    low, high = 0.0, 1.0
    while errors @ np.exp(2 * high * shrinks) > enough:
        low, high = high, 2 * high
    while high - low > 1:
        middle = float(np.floor((low + high) / 2))
        low, high = (middle, high) if errors @ np.exp(2 * middle * shrinks) > enough else (low, middle)
    return high
