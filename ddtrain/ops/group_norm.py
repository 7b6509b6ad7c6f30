"""Group and instance normalisation: each sample by the moments of some of its channels, over all positions."""

# N batch, P positions, G groups, C channels

from __future__ import annotations

import math
from typing import Any

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError
from ddtrain.ops.argument_checks import check_vector, number


def _normalised(op: str, x: Any, groups: int, eps: float) -> Any:
    if x.ndim < 2:
        raise ShapeError(f"{op}: x has shape {x.shape}, not (N, ..., C)")
    if x.shape[-1] % groups:
        raise ShapeError(f"{op}: {groups} groups do not divide {x.shape[-1]} channels (x {x.shape})")
    by_group = np.reshape(x, (x.shape[0], math.prod(x.shape[1:-1]), groups, x.shape[-1] // groups))
    size = max(1, by_group.shape[1] * by_group.shape[3])
    deviation = by_group - np.sum(by_group, axis=(1, 3), keepdims=True) / size
    variance = np.sum(deviation * deviation, axis=(1, 3), keepdims=True) / size
    return np.reshape(deviation / np.sqrt(variance + eps), x.shape)


def group_norm(x: Array, scale: Array, shift: Array, groups: int, eps: float = 1e-5) -> Array:
    """Each sample with the mean and variance of each of its groups of channels taken out, then scaled and shifted.

    Parameters
    ----------
    x : (N, ..., C); moments are over all positions and the C / groups neighbouring channels of a group
    scale, shift : (C,)
    groups : 1 normalises a sample as a whole
    eps : added to the (biased) variance

    Raises
    ------
    ShapeError : groups do not divide the channels, or scale or shift does not fit them

    References
    ----------
    Wu and He (2018), "Group normalization", arXiv:1803.08494.

    >>> group_norm(np.array([[1.0, 3.0, 2.0, 6.0]]), np.ones(4), np.zeros(4), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    for name, v in (("scale", scale), ("shift", shift)):
        check_vector("group_norm", name, v, x.shape[-1] if x.ndim else 0, f"x {x.shape}")
    return _normalised("group_norm", x, number(groups, "group_norm", "groups", 1), eps) * scale + shift


def instance_norm(x: Array, eps: float = 1e-5) -> Array:
    """Each channel of each sample with its own mean and variance over all positions taken out.

    References
    ----------
    Ulyanov, Vedaldi, Lempitsky (2016), "Instance normalization", arXiv:1607.08022.

    >>> instance_norm(np.array([[[1.0], [3.0]]]), eps=0.0)[0, :, 0]
    array([-1.,  1.])
    """
    return _normalised("instance_norm", x, max(1, x.shape[-1]) if x.ndim else 1, eps)
