"""Stacks of matrices in the leading axes, as SciPy takes them: each matrix in its turn, and the results stacked."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ddtrain.numpy import asarray, broadcast_to, reshape, shape, stack

VECTOR_OR_MATRIX = 12  # stands for a number of axes: one axis is a vector, more are a matrix or a stack of matrices


def over_stacks(**cores: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function of single matrices take stacks; ``cores`` are the axes that it takes of each of its arrays.

    >>> over_stacks(a=2)(lambda a: a[0, 0])(np.arange(8.0).reshape(2, 2, 2))
    array([0., 4.])
    """

    def decorate(of_one: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(of_one)

        @wraps(of_one)
        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            given = {key: asarray(bound.arguments[key]) for key in cores if bound.arguments.get(key) is not None}
            outer = {key: _outer(shape(x), cores[key]) for key, x in given.items()}
            if not any(outer.values()):
                return of_one(*args, **kwargs)
            common = np.broadcast_shapes(*outer.values())
            if 0 in common:
                raise ValueError(f"{of_one.__name__}: a stack of no matrices, of shape {common}")
            whole = {key: broadcast_to(x, common + shape(x)[len(outer[key]) :]) for key, x in given.items()}
            results = []
            for index in np.ndindex(common):
                bound.arguments.update({key: x[index] for key, x in whole.items()})
                results.append(of_one(*bound.args, **bound.kwargs))
            if not isinstance(results[0], tuple):
                return _stacked(results, common)
            columns = tuple(_stacked(column, common) for column in zip(*results, strict=True))
            return columns if len(columns) > 1 else columns[0]  # SciPy returns a single result without a tuple

        return call

    return decorate


def _outer(extents: tuple[int, ...], core: int) -> tuple[int, ...]:
    core = min(2, len(extents)) if core == VECTOR_OR_MATRIX else core
    return extents[: max(0, len(extents) - core)]


def _stacked(results: Any, common: tuple[int, ...]) -> Any:
    if results[0] is None:
        return None
    rows = stack([asarray(r) for r in results])
    return reshape(rows, common + shape(rows)[1:])
