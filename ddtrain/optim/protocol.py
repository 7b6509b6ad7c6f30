"""What every optimizer offers: one in-place pass over the flat value vector, and state that can be saved.

An optimizer knows neither layers nor ranks. It sees two vectors, the values and their gradients, and every
element is updated by the same formula, so the result does not depend on how the vector is cut up.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.errors import UsageError

Vector = NDArray[np.floating]  # flat, contiguous, float32 or float64
Alloc = Callable[[int, DTypeLike], NDArray[Any]]  # makes a zeroed vector, maybe in memory that others see
WHOLE = (slice(None),)


class Optimizer(Protocol):
    """One in-place update of a flat vector of values from a flat vector of gradients.

    Attributes
    ----------
    state : flat vectors by name, as long as the values; saved in checkpoints and restored by writing into them
    count : updates applied so far; saved and restored beside ``state``
    """

    state: dict[str, Vector]
    count: int

    def apply(
        self, values: Vector, grads: Vector, *, lr: float, scale: float = 1.0, spans: Sequence[slice] = WHOLE
    ) -> None:
        """Update ``values`` in place as if the gradient were ``scale * grads``; ``grads`` stays as it is.

        Only the elements in ``spans`` are touched, of values and of state: the others are somebody else's.
        """


class OptimConfig(Protocol):
    """The options an optimizer may read: the section ``optim`` of the configuration."""

    @property
    def name(self) -> str: ...
    @property
    def lr(self) -> float: ...
    @property
    def momentum(self) -> float: ...
    @property
    def nesterov(self) -> bool: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def beta1(self) -> float: ...
    @property
    def beta2(self) -> float: ...
    @property
    def eps(self) -> float: ...


class Factory(Protocol):
    """An entry of the table of optimizers."""

    def __call__(self, config: OptimConfig, n: int, dtype: DTypeLike, alloc: Alloc) -> Optimizer: ...


def made(entry: str, maker: Any, args: Sequence[Any], has: Sequence[str], wanted: str) -> Any:
    """What an entry of a table makes of ``args``, if it is of the right kind: entries may be the user's own.

    Parameters
    ----------
    entry : for the message, such as ``OPTIMIZERS['mine']``
    has : attributes that the result must have
    wanted : in words

    Raises
    ------
    UsageError : it takes other arguments, or makes something else
    """
    try:
        inspect.signature(maker).bind(*args)
    except TypeError as error:
        raise UsageError(
            f"{entry} does not take {len(args)} arguments: {error}", remedy=f"Enter a function that makes {wanted}."
        ) from None
    found = maker(*args)
    if not all(hasattr(found, name) for name in has):
        kind = "nothing" if found is None else f"a {type(found).__name__}"
        raise UsageError(f"{entry} made {kind} where {wanted} is wanted", remedy=f"Let it have {', '.join(has)}.")
    return found
