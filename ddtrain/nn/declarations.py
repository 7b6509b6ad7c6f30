"""What a module declares: parameters and buffers, by shape and initial value; their numbers lie elsewhere."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.errors import UsageError, quoted
from ddtrain.nn.init.functions import Init
from ddtrain.nn.init.initializer import Fans, Initializer

_MOST = sys.maxsize // 8  # most elements that an array can have
Rule = Literal["same", "mean", "sum", "rows"]  # how one value is made of a buffer's values on all shards


@dataclass(frozen=True)
class Declaration:
    """What a parameter or buffer will be: its shape, how its initial value is drawn, and PyTorch's axis order.

    ``fans`` is for initial values that scale by them, where the shape does not tell (Note [Fans] in
    ``nn/init/initializer.py``).
    """

    shape: tuple[int, ...]
    init: Init
    torch_axes: tuple[int, ...] | None = None
    torch_dtype: DTypeLike | None = None
    fans: Fans | None = None
    trained = True  # whether gradients train it; a buffer overrides this
    reduce = "same"  # how one value is made of the buffer's values on all shards

    def __post_init__(self) -> None:
        whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 0 for n in self.shape)
        if not whole or math.prod(self.shape) > _MOST:
            raise UsageError(
                f"{type(self).__name__.lower()}: no array has the shape ({', '.join(map(quoted, self.shape))})",
                remedy="Give whole numbers, none of them negative, and no more than memory holds.",
            )

    def drawn(self, generator: np.random.Generator, init: Init | None = None) -> NDArray[Any]:
        """The initial value, by what is declared or by another ``init``."""
        init = self.init if init is None else init
        if isinstance(init, Initializer):
            return init.draw(generator, self.shape, self.fans)
        return init(generator, self.shape)

    def to_torch(self, value: NDArray[Any]) -> NDArray[Any]:
        """The value in PyTorch's layout (and dtype, for counters)."""
        value = value if self.torch_axes is None else value.transpose(self.torch_axes)
        return np.ascontiguousarray(value, self.torch_dtype).reshape(value.shape)

    def from_torch(self, value: NDArray[Any]) -> NDArray[Any]:
        """The inverse of :meth:`to_torch`."""
        return value if self.torch_axes is None else value.transpose(np.argsort(self.torch_axes))

    def axes_of_torch(self) -> tuple[int, ...]:
        """Our axes in PyTorch's order."""
        return tuple(range(len(self.shape))) if self.torch_axes is None else self.torch_axes

    def torch_shape(self) -> tuple[int, ...]:
        """The shape in PyTorch's layout."""
        return tuple(self.shape[axis] for axis in self.axes_of_torch())

    def shape_from_torch(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape in PyTorch's layout as it is in this one; of other dimensions, as it stands."""
        axes = self.axes_of_torch()
        return tuple(shape[axes.index(axis)] for axis in range(len(axes))) if len(shape) == len(axes) else shape


class Parameter(Declaration):
    """Trained by gradients.

    >>> from ddtrain.nn import Linear, Parameter
    >>> isinstance(Linear(3, 2).declarations()["weight"], Parameter)
    True
    """


@dataclass(frozen=True)
class Buffer(Declaration):
    """State that the forward pass updates, such as running statistics; ``reduce``: see :func:`buffer`.

    >>> from ddtrain.nn import BatchNorm, Buffer
    >>> [name for name, d in BatchNorm(3).declarations().items() if isinstance(d, Buffer)]
    ['running_mean', 'running_var', 'num_batches_tracked']
    """

    trained = False
    reduce: str = "same"


def param(
    shape: tuple[int, ...], init: Init, *, torch_axes: tuple[int, ...] | None = None, fans: Fans | None = None
) -> Any:
    """Declare a parameter: ``self.weight = param((d_in, d_out), init.fan_in_uniform)``.

    Parameters
    ----------
    init : ``init(generator, shape) -> array``, see ``nn/init/``
    torch_axes : order of our axes in PyTorch's layout, if it differs
    fans : (fan_in, fan_out) for initial values that scale by them, where they are not those of the shape (groups)

    >>> from ddtrain.nn import init
    >>> weight = param((3, 2), init.fan_in_uniform, torch_axes=(1, 0))
    >>> weight.shape, weight.torch_shape()
    ((3, 2), (2, 3))
    """
    return Parameter(tuple(shape), init, torch_axes, fans=fans)


def buffer(
    shape: tuple[int, ...],
    init: Init,
    *,
    reduce: Rule = "same",
    torch_dtype: DTypeLike | None = None,
) -> Any:
    """Declare state. The forward pass reads it as an attribute and replaces it with :meth:`Module.update`.

    A batch is computed in shards, on one or several ranks, each of which sets a value; ``reduce`` makes one of them.

    Parameters
    ----------
    init : as for :func:`param`
    reduce : how one value is made of the shards' values. ``same``: all shards must set the same bits, such as sums over
        all ranks (``ops.allreduce``), or the run ends with an error. ``mean``: their mean, weighted by their samples,
        for averages. ``sum``: the old value plus what each shard has added to it, for counts (in the run's dtype like
        all values: exact up to 2**24 in float32). ``rows``: along the first axis, the row of the one shard that has
        changed it, to the bit, for what belongs to single samples
    torch_dtype : dtype in PyTorch's layout, if it differs

    Raises
    ------
    UsageError : the rule is unknown, or ``rows`` are asked of a single number

    >>> buffer((), lambda rng, shape: np.zeros(shape), reduce="sum").reduce
    'sum'
    """
    if reduce not in get_args(Rule):
        raise UsageError(f"buffer: reduce={reduce!r} is not a rule", remedy=f"Give one of {', '.join(get_args(Rule))}.")
    if reduce == "rows" and not shape:
        raise UsageError(
            "buffer: reduce='rows' of shape (), which has no rows", remedy="Give it a first axis, or 'sum'."
        )
    return Buffer(tuple(shape), init, None, torch_dtype, reduce=reduce)


def differ_in_torch_axes(one: Declaration, other: Declaration) -> bool:
    """Whether two declarations differ in nothing but which axis is which."""
    return one.shape == other.shape and one.axes_of_torch() != other.axes_of_torch()


class Tree(Protocol):
    """A tree of declarations: the part of ``Module`` that this package's other modules need."""

    def _places(self) -> Iterator[tuple[str, Declaration]]:
        """Every path at which a parameter or buffer stands, also the further ones of those that are tied."""
        ...

    def declarations(self) -> dict[str, Declaration]:
        """Every parameter and buffer by its first path."""
        ...
