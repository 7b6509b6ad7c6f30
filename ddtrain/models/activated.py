"""An activation and where batch-norm stands beside it: what the blocks of several networks have in common."""

from __future__ import annotations

from typing import Literal

from ddtrain import nn
from ddtrain.errors import UsageError, quoted

BatchNorm = bool | Literal["before", "after", "none"]  # where it stands; True is before, False none


def place_of(batch_norm: BatchNorm) -> str:
    """Where batch-norm stands, in a word.

    Raises
    ------
    UsageError : at no such place

    >>> place_of(True), place_of("after")
    ('before', 'after')
    """
    if isinstance(batch_norm, bool):
        return "before" if batch_norm else "none"
    if batch_norm not in ("before", "after", "none"):
        raise UsageError(f"batch_norm {quoted(batch_norm)} is none of before, after, none", remedy="Give one of them.")
    return batch_norm


def activated(units: int, activation: str = "relu", batch_norm: BatchNorm = False) -> list[nn.Module]:
    """An activation of some units, which keeps their number, with batch-norm before or after it, or without.

    Parameters
    ----------
    units : the last axis of what comes in
    activation : a name in ``nn.ACTIVATIONS``
    batch_norm : "before" (True), as Ioffe and Szegedy have it, "after", or "none" (False)

    Raises
    ------
    UsageError : there is no such activation, or it gives another number of units than it takes

    References
    ----------
    Ioffe, Szegedy (2015), "Batch normalization", arXiv:1502.03167, section 3.2.

    >>> [type(layer).__name__ for layer in activated(3, "tanh", "after")]
    ['Tanh', 'BatchNorm']
    """
    module, place = nn.unitwise(activation), place_of(batch_norm)
    if place == "none":
        return [module]
    return [nn.BatchNorm(units), module] if place == "before" else [module, nn.BatchNorm(units)]
