"""Modules: a model is a tree of declarations, and ``bind`` is where values, mode and randomness enter.

A module as written holds no numbers. ``param`` and ``buffer`` declare shapes and initial values; ``init`` draws
those; ``bind`` gives a shallow copy of the tree in which every declaration is replaced by a value. The values may be
boxes, which is what lets ``grad`` work on models.

Note [Initial values]
A parameter's initial value is drawn from (seed, path), so it depends neither on the order of construction nor on
the rank: replicas start equal without a broadcast.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain import rng as _rng
from ddtrain.errors import DdtrainError, UsageError, quoted
from ddtrain.layer import LAYER
from ddtrain.nn.init import Init

_MOST = sys.maxsize // 8  # elements that an array can have
Rule = Literal["same", "mean", "sum"]  # how the shards' values of a buffer become one


@dataclass(frozen=True)
class Declaration:
    """What a parameter or buffer will be: its shape, how its initial value is drawn, and PyTorch's axis order."""

    shape: tuple[int, ...]
    init: Init
    torch_axes: tuple[int, ...] | None = None
    torch_dtype: DTypeLike | None = None
    trained = True  # by gradients; a buffer is not
    reduce = "same"  # how a buffer's values of all shards become one

    def __post_init__(self) -> None:
        whole = all(isinstance(n, int | np.integer) and n >= 0 for n in self.shape)
        if not whole or math.prod(self.shape) > _MOST:
            raise UsageError(
                f"{type(self).__name__.lower()}: no array has the shape ({', '.join(map(quoted, self.shape))})",
                remedy="Give whole numbers of 0 or more, and no more than memory holds.",
            )

    def to_torch(self, value: NDArray[Any]) -> NDArray[Any]:
        """The value in PyTorch's layout (and dtype, for counters)."""
        value = value if self.torch_axes is None else value.transpose(self.torch_axes)
        return np.ascontiguousarray(value, self.torch_dtype).reshape(value.shape)

    def from_torch(self, value: NDArray[Any]) -> NDArray[Any]:
        """The inverse of :meth:`to_torch`."""
        return value if self.torch_axes is None else value.transpose(np.argsort(self.torch_axes))

    def torch_shape(self) -> tuple[int, ...]:
        """The shape in PyTorch's layout."""
        return self.shape if self.torch_axes is None else tuple(self.shape[axis] for axis in self.torch_axes)


class Parameter(Declaration):
    """Trained by gradients."""


@dataclass(frozen=True)
class Buffer(Declaration):
    """State that the forward pass updates, such as running statistics; ``reduce``: see :func:`buffer`."""

    trained = False
    reduce: str = "same"


def param(shape: tuple[int, ...], init: Init, *, torch_axes: tuple[int, ...] | None = None) -> Any:
    """Declare a parameter: ``self.weight = param((d_in, d_out), init.fan_in_uniform)``.

    Parameters
    ----------
    init : ``init(generator, shape) -> array``, see ``nn/init.py``
    torch_axes : order of our axes in PyTorch's layout, where it differs
    """
    return Parameter(tuple(shape), init, torch_axes)


def buffer(
    shape: tuple[int, ...],
    init: Init,
    *,
    reduce: Rule = "same",
    torch_dtype: DTypeLike | None = None,
) -> Any:
    """Declare state. The forward pass reads it as an attribute and replaces it with :meth:`Module.update`.

    A batch is computed in shards, on one or several ranks, and each leaves a value of its own; all go on with one.

    Parameters
    ----------
    init : as for :func:`param`
    reduce : what the one value is. ``same``: what every shard has left, to the last bit, as from sums over all ranks
        (``ops.allreduce``); where they differ the run ends with an error. ``mean``: of all shards, each weighted by its
        samples, for averages. ``sum``: the old value plus what every shard has added to it, for counts (of the run's
        dtype like all values: exact up to 2**24 in float32)
    torch_dtype : in PyTorch's layout, where it differs

    Raises
    ------
    UsageError : no such rule

    >>> buffer((), lambda rng, shape: np.zeros(shape), reduce="sum").reduce
    'sum'
    """
    if reduce not in get_args(Rule):
        raise UsageError(f"buffer: reduce={reduce!r} is not a rule", remedy=f"Give one of {', '.join(get_args(Rule))}.")
    return Buffer(tuple(shape), init, None, torch_dtype, reduce)


@dataclass
class Run:
    """What one forward pass is told (mode, randomness) and what it leaves behind (new values of buffers)."""

    training: bool = False
    rng: _rng.SampleRng | None = None
    updates: dict[str, Any] = field(default_factory=dict)


class Module:
    """A node of the model tree. Subclasses declare in ``__init__`` and compute in ``forward``.

    >>> from ddtrain.nn import Linear
    >>> layer = Linear(3, 2)
    >>> {name: d.shape for name, d in layer.declarations().items()}
    {'weight': (3, 2), 'bias': (2,)}
    >>> layer.bind(layer.init(seed=0))(np.ones((5, 3))).shape
    (5, 2)
    """

    _path: str = ""
    _run: Run | None = None

    def forward(self, *args: Any) -> Any:
        """Compute the module's output."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *args: Any) -> Any:
        if self._run is None:
            raise UsageError(
                f"{type(self).__name__} was called before it had values",
                remedy="Bind it first: model.bind(model.init(seed))(x).",
            )
        layer = self._path or type(self).__name__
        token = LAYER.set(layer)
        try:
            return self.forward(*args)
        except DdtrainError as error:
            error.at(layer=layer)
            raise
        finally:
            LAYER.reset(token)

    # -- the tree -------------------------------------------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Module]]:
        """Direct submodules by name, in order of declaration; those in a list are named by position."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, (list, tuple)):
                yield from ((f"{name}.{k}", child) for k, child in enumerate(value) if isinstance(child, Module))

    def declarations(self, prefix: str = "", _seen: dict[int, str] | None = None) -> dict[str, Declaration]:
        """Every parameter and buffer of the tree by path, in order of declaration.

        Raises
        ------
        UsageError : one module stands at two places of the tree (its values would be two sets, not one)
        """
        seen = {} if _seen is None else _seen
        found = {prefix + name: value for name, value in vars(self).items() if isinstance(value, Declaration)}
        if found and id(self) in seen:
            raise UsageError(
                f"the same {type(self).__name__} stands at {seen[id(self)]!r} and {prefix.rstrip('.')!r}",
                remedy="Call it twice from one place, or pass its weight to the second place.",
            )
        seen[id(self)] = prefix.rstrip(".")
        for name, child in self.children():
            found.update(child.declarations(f"{prefix}{name}.", seen))
        return found

    def init(self, seed: int = 0, dtype: DTypeLike = np.float32) -> dict[str, NDArray[Any]]:
        """Initial values of all parameters and buffers by path (Note [Initial values])."""
        return {
            path: np.asarray(d.init(_rng.stream(seed, f"init/{path}"), d.shape), dtype)
            for path, d in self.declarations().items()
        }

    # -- binding --------------------------------------------------------------------------------------------------

    def bind(self, values: Mapping[str, Any], *, training: bool = False, rng: _rng.SampleRng | None = None) -> Self:
        """A shallow copy of the tree whose declarations are replaced by ``values``, ready to be called.

        Parameters
        ----------
        values : by path; arrays or boxes
        training : whether dropout drops and batch-norm uses the batch
        rng : where dropout's numbers come from, needed when training with dropout

        Raises
        ------
        UsageError : a value is missing
        """
        return self._bound(values, Run(training, rng), "")

    def _bound(self, values: Mapping[str, Any], run: Run, prefix: str) -> Self:
        new = object.__new__(type(self))
        attributes = new.__dict__
        for name, value in self.__dict__.items():
            if isinstance(value, Module):
                value = value._bound(values, run, f"{prefix}{name}.")
            elif isinstance(value, Declaration):
                path = prefix + name
                if path not in values:
                    raise UsageError(f"bind: no value for {path}", remedy="Pass one for every name in declarations().")
                value = values[path]
            elif isinstance(value, (list, tuple)):
                value = [
                    child._bound(values, run, f"{prefix}{name}.{k}.") if isinstance(child, Module) else child
                    for k, child in enumerate(value)
                ]
            attributes[name] = value
        attributes["_path"], attributes["_run"] = prefix[:-1], run
        return new

    @property
    def run(self) -> Run:
        """Mode and randomness of this forward pass, and the updates it has gathered."""
        assert self._run is not None, "only a bound module has a run"
        return self._run

    def update(self, **buffers: Any) -> None:
        """Replace buffers of this module. They take effect when the step is applied, not before.

        Note [Updates wait]
        A step that is skipped because its gradients are not finite must leave no trace, so a forward pass gathers new
        running statistics in ``run.updates`` and whoever owns the values stores them.
        """
        prefix = f"{self._path}." if self._path else ""
        for name, value in buffers.items():
            self.run.updates[prefix + name] = value


# -- PyTorch's names and layouts ----------------------------------------------------------------------------------


def to_torch(model: Module, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Tensors by path, as PyTorch's ``load_state_dict`` expects them for a model of the same tree."""
    return {path: d.to_torch(tensors[path]) for path, d in model.declarations().items()}


def from_torch(model: Module, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The inverse of :func:`to_torch`."""
    return {path: d.from_torch(tensors[path]) for path, d in model.declarations().items()}
