"""Adam, and AdamW, which decays the weights beside the gradient instead of through it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.kernels import optimizer_update
from ddtrain.optim.protocol import WHOLE, Alloc, OptimConfig, Vector


class Adam:
    """Adaptive moments: each element's step is its mean gradient over its root mean square gradient.

    With g the scaled gradient, x the values, m and v zero at first, t counting updates from 1:

        g ← g + weight_decay · x                    (Adam: L2)
        x ← x − lr · weight_decay · x               (AdamW: decoupled)
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        x ← x − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)

    Parameters
    ----------
    n : length of the value vector
    dtype : of values, gradients and moments
    beta1, beta2 : decay of the first and second moment a step, in [0, 1)
    eps : keeps the division finite; added after the root
    weight_decay : coefficient, of every parameter
    decoupled : AdamW's decay instead of L2
    alloc : where the moments come from

    References
    ----------
    Kingma, Ba (2015), "Adam: a method for stochastic optimization", arXiv:1412.6980.
    Loshchilov, Hutter (2019), "Decoupled weight decay regularization", arXiv:1711.05101.

    Examples
    --------
    The first step is lr in every element, whatever the size of the gradient:

    >>> x, g = np.array([1.0, 2.0]), np.array([1e-3, -1e3])
    >>> Adam(2, np.float64).apply(x, g, lr=0.1)
    >>> x.round(4)
    array([0.9, 2.1])
    """

    def __init__(
        self,
        n: int,
        dtype: DTypeLike,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        alloc: Alloc = np.zeros,
    ) -> None:
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.weight_decay, self.decoupled = weight_decay, decoupled
        self.state: dict[str, Vector] = {"m": alloc(n, dtype), "v": alloc(n, dtype)}
        self.count = 0

    def apply(
        self, values: Vector, grads: Vector, *, lr: float, scale: float = 1.0, spans: Sequence[slice] = WHOLE
    ) -> None:
        """One step of Adam in place."""
        self.count += 1  # before the update: the bias correction counts from 1
        for span in spans:
            optimizer_update.adam(
                values[span],
                grads[span],
                self.state["m"][span],
                self.state["v"][span],
                lr,
                self.beta1,
                self.beta2,
                self.eps,
                self.weight_decay,
                self.decoupled,
                self.count,
                scale,
            )


def make(config: OptimConfig, n: int, dtype: DTypeLike, alloc: Alloc = np.zeros) -> Adam:
    """Adam from the section ``optim``: reads beta1, beta2, eps, weight_decay."""
    return _adam(config, n, dtype, alloc, decoupled=False)


def make_decoupled(config: OptimConfig, n: int, dtype: DTypeLike, alloc: Alloc = np.zeros) -> Adam:
    """AdamW, reading the same options as Adam."""
    return _adam(config, n, dtype, alloc, decoupled=True)


def _adam(config: OptimConfig, n: int, dtype: DTypeLike, alloc: Alloc, decoupled: bool) -> Adam:
    return Adam(
        n,
        dtype,
        beta1=config.beta1,
        beta2=config.beta2,
        eps=config.eps,
        weight_decay=config.weight_decay,
        decoupled=decoupled,
        alloc=alloc,
    )
