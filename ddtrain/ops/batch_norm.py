"""Batch normalisation over all ranks' samples, as one step of a trace.

Forward takes one collective: every rank sends (count, mean, M2) of its own rows and merges everybody's in rank order
(Note [Batch-norm moments]). Backward takes one: the two sums that the moments' cotangents consist of.

Note [Who reduces what]
The cotangents of scale and shift are left as this rank's own sums: parameters' gradients are reduced once, by the
reducer, like all others. Only the sums that enter the cotangent of x are reduced here.
"""

# C channels, P ranks

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

import numpy as onp
from numpy.typing import NDArray

import ddtrain.numpy as np
from ddtrain.autodiff import BOXES, Array, array_like, fused, is_recorded, nondifferentiable
from ddtrain.autodiff.core.examples import case
from ddtrain.current_layer import LAYER, communicates, use_layer
from ddtrain.errors import ShapeError
from ddtrain.kernels import batch_norm as kernel
from ddtrain.ops.argument_checks import check_vector
from ddtrain.ops.collectives import allreduce, peers
from ddtrain.ops.stop_gradient import stop_gradient


@dataclass(eq=False)
class Moments:
    """The moments that :func:`batch_norm` has found, as plain arrays; over all ranks when synchronised.

    Attributes
    ----------
    count : values per channel
    mean : (C,), in float64
    variance : (C,), in float64, unbiased (divided by count - 1): what running statistics average; NaN of one value
    packed : (1 + 2 C,) all of them, as ``kernels/batch_norm.py`` has them

    >>> moments = Moments()
    >>> _ = batch_norm(onp.array([[1.0], [3.0]]), onp.ones(1), onp.zeros(1), moments=moments)
    >>> moments.count, moments.mean, moments.variance
    (2, array([2.]), array([2.]))
    """

    packed: NDArray[Any] | None = None
    is_cell: ClassVar[bool] = True  # a place that every call fills anew, so that plans do not compare its contents

    @property
    def count(self) -> int:
        return 0 if self.packed is None else int(array_like(self.packed)[0])

    @property
    def mean(self) -> NDArray[Any] | None:
        return None if self.packed is None else kernel.unpacked(self.packed)[1]

    @property
    def variance(self) -> NDArray[Any] | None:
        if self.packed is None:
            return None
        count, _, m2_C = kernel.unpacked(self.packed)
        return m2_C / (count - 1) if count > 1 else onp.full(m2_C.shape, onp.nan)


def _check(op: str, x: Any, **vectors: Any) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{op}: x has shape {x.shape}, not (N, ..., C)")
    for name, v in vectors.items():
        check_vector(op, name, v, x.shape[-1], f"x {x.shape}")


def _batch_norm(
    x: Array, scale: Array, shift: Array, eps: float = 1e-5, sync: bool = True, moments: Moments | None = None
) -> Array:
    """Each channel with the mean and variance of the batch taken out, then scaled and shifted.

    Parameters
    ----------
    x : (N, ..., C); moments are over all axes but the last
    scale, shift : (C,)
    eps : added to the (biased) variance
    sync : over the samples of all ranks of the current communicator, each sample counting once; ranks may hold
        different numbers of samples, or none
    moments : filled with the count, mean and unbiased variance, for running statistics

    Returns
    -------
    As x. Differentiated through the moments, across ranks.

    Raises
    ------
    ShapeError : x has no channel axis, or scale or shift does not fit it

    References
    ----------
    Ioffe and Szegedy, arXiv:1502.03167; merging: Note [Batch-norm moments] in ``kernels/batch_norm.py``.

    >>> seen = Moments()
    >>> batch_norm(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), eps=0.0, moments=seen)
    array([[-1.],
           [ 1.]])
    >>> float(seen.mean[0]), float(seen.variance[0])
    (2.0, 2.0)
    """
    _check("batch_norm", x, scale=scale, shift=shift)
    axes = tuple(range(x.ndim - 1))
    total: Callable[[Any], Any] = allreduce if sync else _own
    count = int(total(onp.array([float(math.prod(x.shape[:-1]))]))[0])
    mean = total(np.sum(x, axis=axes)) / max(1, count)
    deviation = x - mean
    m2 = total(np.sum(deviation * deviation, axis=axes))
    if moments is not None:
        moments.packed = np.concatenate((onp.array([float(count)]), stop_gradient(mean), stop_gradient(m2)))
    return deviation / np.sqrt(m2 / max(1, count) + eps) * scale + shift


def _own(x: Any) -> Any:
    return x


@communicates
def _forward(
    x: Any, scale: Any, shift: Any, eps: float = 1e-5, sync: bool = True, moments: Moments | None = None
) -> tuple[Any, Any]:
    _check("batch_norm", x, scale=scale, shift=shift)
    comm = peers() if sync else None
    mine_M = kernel.moments(x)
    all_PM = mine_M[None]
    if comm is not None:
        all_PM = onp.empty((comm.size, len(mine_M)))
        comm.allgather(mine_M, all_PM)
    y, moments_M, inv_std_C = kernel.normalise(x, all_PM, scale, shift, eps)
    if moments is not None:
        moments.packed = moments_M
    return y, (comm, LAYER.get(), moments_M, inv_std_C)


@communicates
def _backward(
    needs: tuple[int, ...], g: Any, saved: Any, x: Any, scale: Any, shift: Any, *_: Any, **__: Any
) -> list[Any]:
    comm, layer, moments_M, inv_std_C = saved
    sums_2C, d_scale, d_shift = kernel.backward_sums(g, x, moments_M, inv_std_C)
    cotangents: dict[int, Any] = {
        1: d_scale.astype(scale.dtype, copy=False),
        2: d_shift.astype(shift.dtype, copy=False),
    }
    if 0 in needs:
        if comm is not None:
            with use_layer(layer):
                comm.allreduce(sums_2C)
        cotangents[0] = kernel.backward_input(g, x, moments_M, inv_std_C, scale, sums_2C)
    return [cotangents[i] for i in needs]


_fused = fused(
    _batch_norm,
    _forward,
    _backward,
    mixed=3,
    name="batch_norm",
    examples=lambda r: [
        case(r(5, 3), r(3), r(3)),
        case(r(2, 3, 2, 2), r(2), r(2), eps=0.1, sync=False),
    ],
)


def _found(y: Any, moments: Moments) -> Any:
    """What the call that gave ``y`` has put into ``moments``."""
    return moments.packed


_packed = nondifferentiable(_found, name="moments")


@wraps(_fused)  # and what it carries, such as compose
def batch_norm(
    x: Array, scale: Array, shift: Array, eps: float = 1e-5, sync: bool = True, moments: Moments | None = None
) -> Array:
    y = _fused(x, scale, shift, eps, sync, moments)
    if moments is not None and is_recorded(y) and type(moments.packed) not in BOXES:
        moments.packed = _packed(y, moments)  # the result of an operation, so that a record has where it comes from
    return y


_running = nondifferentiable(kernel.running, name="running_moments")


def running_moments(moments: Moments, mean: Array, variance: Array, share: float) -> Array:
    """Running mean and variance (2, C), in float64, with a share of those that :func:`batch_norm` has found.

    One value has no variance, and leaves the running one as it is.

    >>> seen = Moments()
    >>> _ = batch_norm(onp.array([[1.0], [3.0]]), onp.ones(1), onp.zeros(1), moments=seen)
    >>> running_moments(seen, onp.zeros(1), onp.ones(1), 0.5)
    array([[1. ],
           [1.5]])
    """
    return _running(moments.packed, mean, variance, share)


def batch_norm_inference(
    x: Array, mean: Array, variance: Array, scale: Array, shift: Array, eps: float = 1e-5
) -> Array:
    """Normalisation by moments given, the running ones: ``(x - mean) / sqrt(variance + eps) * scale + shift``.

    >>> ones, zeros = np.ones(1), np.zeros(1)
    >>> batch_norm_inference(np.array([[1.0], [3.0]]), 2 * ones, ones, ones, zeros, eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    _check("batch_norm_inference", x, mean=mean, variance=variance, scale=scale, shift=shift)
    return (x - mean) * (scale / np.sqrt(variance + eps)) + shift
