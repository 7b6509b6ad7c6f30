"""AdaGrad: rates that fall with the gradients seen so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddtrain.kernels import adaptive_update
from ddtrain.optim.penalties import Penalized
from ddtrain.optim.protocol import Vector, positive
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class AdaGrad(Penalized):
    """Each element is divided by the root of the sum of its squared gradients so far.

    With g the scaled gradient plus weight_decay · x, x the values, s zero at first:

        s ← s + g²
        x ← x − lr · g / (√s + ε)    (or √(s + ε))

    References
    ----------
    Duchi, Hazan, Singer (2011), "Adaptive subgradient methods", JMLR 12. The definitions are PyTorch's; ε inside the
    root: Ruder (2016), "An overview of gradient descent optimization algorithms", arXiv:1609.04747.

    Examples
    --------
    >>> import numpy as np
    >>> x, method = np.array([1.0, 2.0]), AdaGrad()
    >>> state = {name: np.zeros(2) for name in method.vectors()}
    >>> method.update_(x, np.array([4.0, -4.0]), state, lr=0.1, scale=1.0, count=1)
    >>> x.round(4)
    array([0.9, 2.1])
    """

    name: str = "adagrad"
    """Update rule."""
    lr: float = 0.01
    """Base learning rate, which the schedule multiplies."""
    eps: float = 1e-10
    """Added to the denominator, after the root."""
    eps_inside_root: bool = False
    """Add eps inside the root instead."""

    def vectors(self) -> tuple[str, ...]:
        return ("total",)

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        adaptive_update.adagrad(
            values,
            grads,
            state["total"],
            lr,
            self.eps,
            self.eps_inside_root,
            self.weight_decay,
            scale,
            self.l1,
        )

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield positive("eps", self.eps)
