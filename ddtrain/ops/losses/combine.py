"""Several losses in one run: their weighted sum, and each of them in the log."""

# N samples

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ddtrain.autodiff import Array, array_like
from ddtrain.errors import ShapeError, UsageError, kind_of, quoted


def combine_losses(
    losses: Mapping[str, Array], weights: Mapping[str, float] = MappingProxyType({})
) -> tuple[Array, dict[str, Array]]:
    """The weighted sum of several losses, and each without its weight as a metric: what a task's loss returns.

    Parameters
    ----------
    losses : by name, (N,) each, one value a sample; penalties on hidden nodes are losses like any other
    weights : by name; 1 where none is given. What has the weight 0 is logged and has no gradient

    Returns
    -------
    (N,) losses, not averaged, and the losses as they came, by name.

    Raises
    ------
    ShapeError : one that is not one value a sample, or of another number of samples than the first
    UsageError : no losses, or a weight of none of them, with the nearest name

    Notes
    -----
    A weight that is drawn anew, or learned, is no option here: multiply the loss by it yourself.

    Examples
    --------
    >>> fit, size = np.array([1.0, 2.0]), np.array([10.0, 30.0])
    >>> combine_losses({"fit": fit, "hidden": size}, {"hidden": 0.1})
    (array([2., 5.]), {'fit': array([1., 2.]), 'hidden': array([10., 30.])})
    """
    if not losses:
        raise UsageError("combine_losses: there are no losses", remedy="Give at least one by name.")
    for name in weights:
        if name not in losses:
            near = difflib.get_close_matches(str(name), [str(known) for known in losses], n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"combine_losses: there is a weight for {quoted(name)}, which is no loss",
                remedy=f"{hint}There is {', '.join(map(str, losses))}.",
            )
    first, shape = None, None
    for name, values in losses.items():
        found = getattr(values, "shape", None)
        if found is None or len(found) != 1:
            what = kind_of(values) if found is None else f"an array of shape {found}"
            raise ShapeError(
                f"combine_losses: {quoted(name)} is {what} where one value a sample is wanted",
                remedy="Losses are (N,), not averaged.",
            )
        if shape is not None and found != shape:
            raise ShapeError(
                f"combine_losses: {quoted(name)} has {found[0]} samples but {quoted(first)} has {shape[0]}",
                remedy="All are of one batch.",
            )
        first, shape = first or name, found
    terms = [_weighted(values, weights.get(name, 1.0)) for name, values in losses.items()]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total, dict(losses)


def _weighted(values: Any, weight: float) -> Any:
    if weight == 0:
        return np.zeros_like(array_like(values))
    return values if weight == 1 else values * float(weight)
