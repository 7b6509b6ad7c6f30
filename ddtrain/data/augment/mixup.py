"""Mixtures of two samples, and of their labels.

Note [Partners of mixup]
A sample's partner is drawn from the whole data set, by a number of the sample's own. Partners within the batch, as the
paper's code has them, depend on which samples a batch has, and a rank holds only some of those: it would have to read
the others' as well, so drawing from the data set costs no more reading, and a sample's mixture depends on seed, epoch
and sample alone. The partner has gone through the augmentations before this one, with its own numbers: it is mixed as
it would look itself in this epoch.
"""

# N samples, K classes

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ddtrain.data.augment.protocol import Array, Augment, Batch, Draws, check_floating
from ddtrain.errors import ShapeError, UsageError
from ddtrain.parts import Range, register


@register
@dataclass(frozen=True)
class Mixup(Augment):
    """``λ x + (1 - λ) x'`` of a sample and another one, with λ from Beta(alpha, alpha), and of their targets alike.

    Labels become soft targets (N, classes), which :func:`ddtrain.ops.cross_entropy` takes; soft targets and real
    numbers are mixed as they are. Inputs of any shape, not only images; see Note [Partners of mixup].

    References
    ----------
    Zhang, Cisse, Dauphin, Lopez-Paz (2017), "mixup: Beyond empirical risk minimization", arXiv:1710.09412.

    Examples
    --------
    >>> x, y = np.array([[0.0], [10.0]]), np.array([0, 1])
    >>> draws = Draws(0, "mixup", 0, np.array([1]), total=2, others=lambda i: (x[i], y[i]))
    >>> mixed_x, mixed_y = Mixup(alpha=1.0, classes=2)((x[1:], y[1:]), draws)
    >>> mixed_x.round(2), mixed_y.round(2)
    (array([[0.77]]), array([[0.92, 0.08]]))
    """

    name: str = "mixup"
    """How images are changed."""
    alpha: float = 0.2
    """The larger, the more even the mixtures."""
    classes: int = 0
    """How many classes labels are of; 0: as many as the task says, or targets are numbers already."""

    def of_classes(self, classes: int) -> Self:
        return self if self.classes else replace(self, classes=classes)

    def __call__(self, batch: Batch, draws: Draws) -> Batch:
        """See :class:`Augment`.

        Raises
        ------
        ShapeError : no inputs and targets, inputs of whole numbers, or labels outside the classes
        UsageError : no data set, or labels of an unknown number of classes
        """
        if draws.others is None:
            raise UsageError(
                "augment: mixup needs a data set to draw partners from",
                remedy="Wrap the data set: Augmented(data, ...).",
            )
        if len(batch) != 2:
            raise ShapeError(
                f"augment: mixup mixes inputs and targets, and was given {len(batch)} arrays",
                remedy="Leave it out, or make batches of two arrays.",
            )
        check_floating(self.name, batch[0])
        partners, shares = np.empty(len(batch[0]), np.int64), np.empty(len(batch[0]))
        for k, generator in enumerate(draws.generators()):
            partners[k], shares[k] = generator.integers(draws.total), generator.beta(self.alpha, self.alpha)
        other = draws.others(partners)
        targets, other_targets = (self._soft(y, batch[0].dtype) for y in (batch[1], other[1]))
        return _mixed(shares, batch[0], other[0]), _mixed(shares, targets, other_targets)

    def _soft(self, y: Array, dtype: Any) -> Array:
        if y.dtype.kind == "f":
            return y
        if not self.classes:
            raise UsageError(
                "augment: mixup makes soft targets of labels, and was not told of how many classes",
                remedy="Write mixup(classes=10), say, or Task(classes=10).",
            )
        if y.size and (y.min() < 0 or y.max() >= self.classes):
            wrong = y[(y < 0) | (y >= self.classes)][0]
            raise ShapeError(
                f"augment: mixup's label {wrong} is outside [0, {self.classes})", remedy="Give it more classes."
            )
        soft = np.zeros((*y.shape, self.classes), dtype)
        np.put_along_axis(soft, y[..., None], 1, axis=-1)
        return soft

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "alpha", self.alpha > 0, "above 0"
        yield "classes", self.classes >= 0, "0 (no labels) or more"


def _mixed(shares_N: Array, a: Array, b: Array) -> Array:
    share = shares_N.reshape(-1, *[1] * (a.ndim - 1)).astype(a.dtype)
    mixed: Array = share * a + (1 - share) * b
    return mixed
