"""What every optimizer offers: one in-place pass over the flat value vector, and state that can be saved.

An optimizer is a frozen dataclass of its options and its formula, a :class:`Optim`; it knows neither layers nor ranks.
:class:`Optimizer` runs one, as ``flat_optimizer.py`` does: it has the vectors that the formula remembers. Both see the
values and their gradients as two vectors, and every element is updated by the same formula, so the result does not
depend on how they are cut up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from ddtrain.parts import Part, Range

Vector = NDArray[Any]  # flat, contiguous, float32 or float64
Alloc = Callable[[int, DTypeLike], NDArray[Any]]  # makes a zeroed vector, possibly in memory shared with other ranks
WHOLE = (slice(None),)


@dataclass(frozen=True)
class Optim(Part, kind="optim", default="sgd"):
    """The base of optimizers: ``Optim(name="sgd", lr=0.1)`` makes the one of that name.

    >>> from ddtrain.optim import Optim
    >>> sgd = Optim(name="sgd", momentum=0.9)
    >>> sgd.lr, sgd.vectors()
    (0.1, ('velocity',))
    """

    name: str = ""
    lr: float = 0.1
    """Base learning rate, which the schedule multiplies."""
    groups: tuple[str, ...] = ()
    """Rules for some parameters, such as '*.bias, *norm*: weight_decay=0; backbone.*: lr=0.1x; embedding.*: frozen'."""

    def vectors(self) -> tuple[str, ...]:
        """The names of the vectors that the formula remembers, zero at first and as long as the values."""
        raise NotImplementedError

    def update_(
        self, values: Vector, grads: Vector, state: Mapping[str, Vector], *, lr: float, scale: float, count: int
    ) -> None:
        """Update ``values`` and ``state`` in place as if the gradient were ``scale * grads``, which stays as it is.

        Parameters
        ----------
        lr : of this step
        count : the number of this update, from 1
        """
        raise NotImplementedError

    def ranges(self) -> Iterator[Range]:
        yield "lr", self.lr >= 0, "a finite number, 0 or more"


def fraction(name: str, value: float) -> Range:
    """The range of a decay or momentum."""
    return name, 0 <= value < 1, "at least 0 and below 1"


def not_negative(name: str, value: float) -> Range:
    """The range of a coefficient."""
    return name, value >= 0, "a finite number, 0 or more"


def positive(name: str, value: float) -> Range:
    """The range of a number that is divided by."""
    return name, value > 0, "a finite number above 0"


class Optimizer(Protocol):
    """One in-place update of a flat vector of values from a flat vector of gradients.

    Attributes
    ----------
    formula : the optimizer's options
    state : flat vectors by name, as long as the values; saved in checkpoints and restored by writing into them
    count : updates applied so far; saved and restored beside ``state``
    """

    formula: Optim
    state: dict[str, Vector]
    count: int

    def apply(
        self, values: Vector, grads: Vector, *, lr: float, scale: float = 1.0, spans: Sequence[slice] = WHOLE
    ) -> None:
        """Update ``values`` in place as if the gradient were ``scale * grads``; ``grads`` stays as it is.

        Only the elements in ``spans`` of values and state are read and written; other ranks update the others.
        """
