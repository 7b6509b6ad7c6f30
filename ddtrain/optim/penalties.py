"""Penalties on the size of the weights: L2, L1, and both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddtrain.optim.protocol import Optim, not_negative
from ddtrain.parts import Range


@dataclass(frozen=True)
class Penalized(Optim):
    """An optimizer with L2 in the gradient and L1 as a proximal step; with both, an elastic net.

    After its step an element x whose gradients are multiplied by the rate r is brought nearer to 0:

        x ← sign(x) · max(|x| − r · l1, 0)

    so that weights that the loss does not need become exactly 0. Of an adaptive method r is the element's own rate,
    lr over its denominator. Where momentum adds gradients up, r is what a gradient is multiplied by in all the steps
    that it enters, lr / (1 − momentum). So the minimum of loss and penalty is a fixed point of every method.

    References
    ----------
    Tibshirani (1996), "Regression shrinkage and selection via the lasso". Zou, Hastie (2005), "Regularization and
    variable selection via the elastic net". Duchi, Hazan, Singer (2011), JMLR 12, section 5 (AdaGrad's own rates).
    Yun, Lozano, Yang (2020), "A general family of stochastic proximal gradient methods", arXiv:2007.07484.

    Examples
    --------
    >>> import numpy as np
    >>> from ddtrain.optim import Sgd, make
    >>> x, sgd = np.array([1.0, 0.01]), make(Sgd(momentum=0.0, l1=0.5), 2, np.float64)
    >>> sgd.apply(x, np.array([1.0, 0.1]), lr=0.1)
    >>> x  # 1 - 0.1 - 0.05; 0.01 - 0.01, and then no more than 0.05
    array([0.85, 0.  ])
    """

    weight_decay: float = 0.0
    """L2 penalty added to the gradient."""
    l1: float = 0.0
    """L1 penalty, by a proximal step: weights become exactly 0."""

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield not_negative("weight_decay", self.weight_decay)
        yield not_negative("l1", self.l1)
