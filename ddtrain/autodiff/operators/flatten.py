"""Structures of arrays as one vector, and back: what optimizers of vectors need. Both ways are differentiable."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.autodiff.core.primitives import primitive
from ddtrain.autodiff.core.rules import def_linear, defjvp_rest, defvjp, defvjp_rest
from ddtrain.autodiff.operators.argnums import as_array
from ddtrain.errors import ShapeError

Shape = tuple[int, ...]


def _join(*leaves: Any) -> Any:
    """The entries of all arrays in one vector, of floating or complex type."""
    vector = np.concatenate([np.ravel(leaf) for leaf in leaves])
    return vector if vector.dtype.kind in "fc" else vector.astype(float)


def _cut(vector: Any, start: int, shape: Shape) -> Any:
    """The entries from ``start`` on, as an array of ``shape``."""
    return np.array(vector[start : start + int(np.prod(shape))]).reshape(shape)


def _put(part: Any, start: int, n: int) -> Any:
    """A vector of ``n`` zeros with ``part``'s entries from ``start`` on: the transpose of :func:`_cut`."""
    vector = np.zeros(n, part.dtype)
    vector[start : start + part.size] = np.ravel(part)
    return vector


join = primitive(_join, name="join", examples=lambda r: [case(r(2, 3), r(), r(4))])
cut = primitive(_cut, name="cut", examples=lambda r: [case(r(7), 1, (2, 3)), case(r(3), 2, ())])
put = primitive(_put, name="put", examples=lambda r: [case(r(2, 3), 1, 8), case(r(), 0, 2)])


def _start(leaves: tuple[Any, ...], k: int) -> int:
    return sum(leaf.size for leaf in leaves[:k])


defvjp_rest(join, lambda k: lambda g, ans, *leaves: cut(g, _start(leaves, k), leaves[k].shape))
defjvp_rest(join, lambda k: lambda g, ans, *leaves: put(g, _start(leaves, k), ans.size))
defvjp(cut, lambda g, ans, vector, start, shape: put(g, start, vector.size))
defvjp(put, lambda g, ans, part, start, n: cut(g, start, part.shape))
def_linear(cut)
def_linear(put)


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of ``value`` in one vector, and the function that makes such a structure of a vector.

    Dicts are taken in sorted order. Integers become floats; one complex leaf makes the vector complex, and on the way
    back real leaves take the real parts.

    >>> vector, unflatten = flatten({"w": np.ones((2, 2)), "b": 3.0})
    >>> vector
    array([3., 1., 1., 1., 1.])
    >>> unflatten(2 * vector)["b"]
    array(6.)
    """
    given, rebuild = tree.flatten(value)
    leaves = [as_array(leaf) for leaf in given]
    shapes = [leaf.shape for leaf in leaves]
    isreal = [value_of(leaf).dtype.kind != "c" for leaf in leaves]
    starts = [0, *accumulate(leaf.size for leaf in leaves)]

    def unflatten(vector: Any) -> Any:
        vector = as_array(vector)
        if vector.shape != (starts[-1],):
            raise ShapeError(f"unflatten: a vector of shape {vector.shape} for a structure of {starts[-1]} numbers")
        parts = [cut(vector, start, shape) for start, shape in zip(starts, shapes, strict=False)]
        return rebuild([p.real if r else p for p, r in zip(parts, isreal, strict=True)])

    return join(*leaves) if leaves else np.zeros(0), unflatten


def flatten_func(func: Callable[..., Any], example: Any) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """``func``, which takes a structure like ``example``, as a function from a vector to a vector.

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
