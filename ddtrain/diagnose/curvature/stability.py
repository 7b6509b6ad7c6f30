"""Which learning rates an optimizer bears at a curvature."""

from __future__ import annotations

import math

from ddtrain.optim import Optim, Sgd


def stable_rate(optim: Optim, largest: float) -> float:
    """The learning rate from which on steps along an eigenvector of curvature ``largest`` grow; infinite if none do.

    Of ``sgd`` with momentum β and weight decay w, on a quadratic, 2 (1 + β) / (λ + w); with Nesterov's form
    2 (1 + β) / ((1 + 2 β) (λ + w)); where the velocity is a mean of gradients, 1 / (1 - β) times that. Of all others,
    2 / λ.

    References
    ----------
    Polyak (1964). Cohen, Kaur, Li, Kolter, Talwalkar, arXiv:2103.00065, appendix B.

    >>> stable_rate(Sgd(momentum=0.0), 4.0), stable_rate(Sgd(momentum=0.5), 4.0), stable_rate(Sgd(), -1.0)
    (0.5, 0.75, inf)
    """
    if not isinstance(optim, Sgd):
        return 2 / largest if largest > 0 else math.inf
    curved = largest + optim.weight_decay
    if curved <= 0:
        return math.inf
    rate = 2 * (1 + optim.momentum) / (1 + 2 * optim.momentum * optim.nesterov) / curved
    return rate / (1 - optim.momentum) if optim.momentum_form == "friction" else rate
