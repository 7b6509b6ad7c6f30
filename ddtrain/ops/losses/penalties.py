"""Penalties on hidden nodes, one value a sample, to be added to a loss by :func:`combine_losses`."""

# N samples

from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError
from ddtrain.ops.losses.common import mean_over_features


def _check(op: str, hidden: Any) -> None:
    if hidden.ndim == 0:
        raise ShapeError(f"{op}: hidden is one number", remedy="Give the activations of a layer, (N, ...).")


def l1_penalty(hidden: Array) -> Array:
    """The mean absolute activation of each sample, which pulls many of them to zero; its derivative at zero is 0.

    ``mean |h|`` over the activations of a sample.

    Parameters
    ----------
    hidden : (N, ...), the activations of a layer

    Returns
    -------
    (N,) values, not averaged over samples.

    Raises
    ------
    ShapeError : a single number

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 7.10.

    Examples
    --------
    >>> l1_penalty(np.array([[1.0, -3.0], [0.0, 0.0]]))
    array([2., 0.])
    """
    _check("l1_penalty", hidden)
    return mean_over_features(np.abs(hidden))


def l2_penalty(hidden: Array) -> Array:
    """The mean squared activation of each sample, which keeps all of them small.

    ``mean h²`` over the activations of a sample.

    Parameters
    ----------
    hidden : (N, ...), the activations of a layer

    Returns
    -------
    (N,) values, not averaged over samples.

    Raises
    ------
    ShapeError : a single number

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 7.10.

    Examples
    --------
    >>> l2_penalty(np.array([[1.0, -3.0], [0.0, 0.0]]))
    array([5., 0.])
    """
    _check("l2_penalty", hidden)
    return mean_over_features(hidden * hidden)
