"""Structures of arrays as one vector, and back: what optimizers of vectors need. Both ways are differentiable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ddtrain.numpy as np
from ddtrain import tree
from ddtrain.errors import ShapeError


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of ``value`` in one vector, and the function that makes such a structure of a vector.

    Dicts are taken in sorted order. Integers become floats; one complex leaf makes the vector complex, and real
    leaves take the real part of theirs back.

    >>> vector, unflatten = flatten({"w": np.ones((2, 2)), "b": 3.0})
    >>> vector
    array([3., 1., 1., 1., 1.])
    >>> unflatten(2 * vector)["b"]
    array(6.)
    """
    leaves, rebuild = tree.flatten(value)
    shapes = [np.shape(leaf) for leaf in leaves]
    isreal = [np.isrealobj(leaf) for leaf in leaves]
    ends = [0]
    for leaf in leaves:
        ends.append(ends[-1] + int(np.size(leaf)))

    def unflatten(vector: Any) -> Any:
        if np.shape(vector) != (ends[-1],):
            raise ShapeError(f"unflatten: a vector of shape {np.shape(vector)} for a structure of {ends[-1]} numbers")
        parts = [
            np.reshape(vector[start:end], shape) for start, end, shape in zip(ends[:-1], ends[1:], shapes, strict=True)
        ]
        return rebuild([np.real(p) if r and np.iscomplexobj(p) else p for p, r in zip(parts, isreal, strict=True)])

    if not leaves:
        return np.zeros(0), unflatten
    vector = np.concatenate([np.ravel(leaf) for leaf in leaves])
    return vector if vector.dtype.kind in "fc" else vector.astype(float), unflatten


def flatten_func(func: Callable[..., Any], example: Any) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """``func``, of a structure like ``example``, as a function of a vector with its result as a vector.

    Returns
    -------
    that function, whose further arguments are passed on; the function that makes such a structure of a vector; and
    the vector of ``example``

    >>> of_vector, unflatten, x = flatten_func(lambda p, c: {"sum": p["a"] + c * p["b"]}, {"a": 1.0, "b": 2.0})
    >>> of_vector(x, 10.0)
    array([21.])
    """
    vector, unflatten = flatten(example)

    def of_vector(x: Any, *args: Any) -> Any:
        return flatten(func(unflatten(x), *args))[0]

    return of_vector, unflatten, vector
