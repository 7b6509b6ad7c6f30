"""Group and instance normalisation: each sample by the moments of some of its channels, over all positions."""

# N batch, P positions, G groups, C channels

from __future__ import annotations

import math
from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import Array, fused
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.kernels import layer_norm as kernel
from ddtrain.ops.argument_checks import check_vector, number


def _check(op: str, x: Any, groups: int) -> int:
    groups = number(groups, op, "groups", 1)
    if x.ndim < 2:
        raise ShapeError(f"{op}: x has shape {x.shape}, not (N, ..., C)")
    if x.shape[-1] % groups:
        raise ShapeError(f"{op}: {groups} groups do not divide {x.shape[-1]} channels (x {x.shape})")
    return groups


def _check_affine(x: Any, scale: Any, shift: Any, groups: int) -> int:
    for name, v in (("scale", scale), ("shift", shift)):
        check_vector("group_norm", name, v, x.shape[-1] if x.ndim else 0, f"x {x.shape}")
    return _check("group_norm", x, groups)


def _group_norm(x: Array, scale: Array, shift: Array, groups: int, eps: float = 1e-5) -> Array:
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
    groups = _check_affine(x, scale, shift, groups)
    by_group = np.reshape(x, (x.shape[0], math.prod(x.shape[1:-1]), groups, x.shape[-1] // groups))
    size = max(1, by_group.shape[1] * by_group.shape[3])
    deviation = by_group - np.sum(by_group, axis=(1, 3), keepdims=True) / size
    variance = np.sum(deviation * deviation, axis=(1, 3), keepdims=True) / size
    return np.reshape(deviation / np.sqrt(variance + eps), x.shape) * scale + shift


def _forward(x: Any, scale: Any, shift: Any, groups: int, eps: float = 1e-5) -> tuple[Any, Any]:
    groups = _check_affine(x, scale, shift, groups)
    y, mean, inv_std = kernel.group_forward(x, scale, shift, groups, eps)
    return y, (mean, inv_std)


def _backward(
    needs: tuple[int, ...], g: Any, saved: Any, x: Any, scale: Any, shift: Any, *_: Any, **__: Any
) -> list[Any]:
    mean, inv_std = saved
    cotangents = kernel.group_backward(g, x, mean, inv_std, scale)
    return [cotangents[i] for i in needs]


group_norm = fused(
    _group_norm,
    _forward,
    _backward,
    mixed=3,
    name="group_norm",
    examples=lambda r: [case(r(4, 6), r(6), r(6), 2), case(r(2, 3, 4), r(4), r(4), 1, eps=0.1)],
)


def instance_norm(x: Array, eps: float = 1e-5) -> Array:
    """Each channel of each sample with its own mean and variance over all positions taken out.

    References
    ----------
    Ulyanov, Vedaldi, Lempitsky (2016), "Instance normalization", arXiv:1607.08022.

    >>> instance_norm(np.array([[[1.0], [3.0]]]), eps=0.0)[0, :, 0]
    array([-1.,  1.])
    """
    channels = max(1, x.shape[-1]) if x.ndim else 1
    _check("instance_norm", x, channels)
    dtype = onp.result_type(x.dtype, onp.float16)  # of integers: NumPy's mean is floating, too
    return group_norm(x, onp.ones(x.shape[-1], dtype), onp.zeros(x.shape[-1], dtype), channels, eps=eps)
