"""How values get into a tree of modules, and the inputs and results of one forward pass through it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ddtrain import rng as _rng
from ddtrain.autodiff.operators.recomputation import remembered, running_again
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn import state_dict as _values
from ddtrain.nn.declarations import Declaration, Tree

# Where a value stands: the bound module, its attributes or a list or dict in one of them (None for a tuple), and the
# name, position or key there
Place = tuple[Any, Any, Any]
# A buffer: the name under which its value was given, that value, and its first place
Held = tuple[str, Any, Place]


class Watcher(Protocol):
    """What ``run.watcher`` may be: it is told of the calls of all modules of a bound model, and changes nothing."""

    def enter(self, module: Any) -> None:
        """Before a module's forward."""
        ...

    def leave(self, module: Any, output: Any) -> None:
        """After it, with what it returned, which may be traced."""
        ...


@dataclass
class Run:
    """The mode and randomness of one forward pass, and the new values of buffers that it sets.

    A layer finds it as ``self.run``, and a loss as ``model.run``.

    Attributes
    ----------
    training : whether this is a pass of training; in evaluation dropout and the like do nothing
    rng : where random numbers come from, by seed, step and sample; None in evaluation. Draw by :meth:`uniform`
    updates : the latest values of the buffers that modules have replaced, by the names they were bound with
    buffers : all buffers, by every path
    ties : all places of the buffers that have several, by name
    pending : by module, the values of ``updates`` that it has still to read, and where they go
    calls : if given, answers a call from outside of any module in its place, by ``calls(module, *args, **kwargs)``
    watcher : is told of every call of a module; None: nobody
    model : the whole model as it was before it was bound
    """

    training: bool = False
    rng: _rng.SampleRng | None = None
    updates: dict[str, Any] = field(default_factory=dict)
    buffers: dict[str, Held] = field(default_factory=dict)
    ties: dict[str, list[Place]] = field(default_factory=dict)
    pending: dict[int, list[tuple[Any, Any, str]]] = field(default_factory=dict)
    calls: Callable[..., Any] | None = None
    watcher: Watcher | None = None
    model: Any = None
    _draws: dict[str, Any] = field(default_factory=dict)

    def uniform(self, purpose: str, shape: tuple[int, ...]) -> NDArray[np.floating]:
        """Uniform numbers in [0, 1), one row for each sample; different ones in each call for the same purpose.

        They depend on (seed, purpose, number of earlier calls for it, step, position in the global batch). When
        :func:`ddtrain.autodiff.checkpoint` runs a function again, it gets the same numbers.

        >>> run = Run(training=True, rng=_rng.SampleRng(seed=0, step=0))
        >>> first, second = (run.uniform("mask", (2, 3)) for _ in range(2))
        >>> first.shape, bool((first == second).any())
        ((2, 3), False)
        """
        if self.rng is None:
            raise UsageError(f"{purpose} needs random numbers", remedy="Pass rng=SampleRng(seed, step) to bind.")
        number = remembered(lambda: next(self._draws.setdefault(purpose, itertools.count())))
        return self.rng.uniform(f"{purpose}/call {number}" if number else purpose, shape)

    @property
    def drawn(self) -> str:
        """The purpose of the first random numbers that were drawn; empty if none were.

        >>> run = Run(training=True, rng=_rng.SampleRng(seed=0, step=0))
        >>> before, _ = run.drawn, run.uniform("mask", (2, 3))
        >>> before, run.drawn
        ('', 'mask')
        """
        return next(iter(self._draws), "")

    def replace(self, prefix: str, buffers: Mapping[str, Any]) -> None:
        """See :meth:`Module.update`. When a checkpoint runs again, nothing is replaced: its first run did that."""
        again = running_again()
        for name, value in buffers.items():
            held = self.buffers.get(prefix + name)
            if held is None or held[2][1] is None:
                raise UsageError(
                    f"update: {prefix}{name} is no buffer",
                    remedy="Declare it: nn.buffer(shape, init), in an attribute, or a list or dict in one.",
                )
            path, old, place = held
            if getattr(value, "shape", None) != old.shape and np.shape(value) != old.shape:
                raise ShapeError(f"update: {path} has shape {old.shape}, its new value {np.shape(value)}")
            if not again:
                self.updates[path] = value
                for module, holder, key in self.ties.get(path) or (place,):
                    self.pending.setdefault(id(module), []).append((holder, key, path))

    def answer(self, module: Any, args: Any, kwargs: Any) -> Any:
        """What ``calls`` makes of a call from outside; calls within it are answered by the modules themselves."""
        calls, self.calls = self.calls, None
        assert calls is not None, "asked for only where it is given"
        try:
            return calls(module, *args, **kwargs)
        finally:
            self.calls = calls

    def catch_up(self, module: Any) -> None:
        """Let a module that is called read the latest values of its buffers."""
        for holder, key, path in self.pending.pop(id(module), ()):
            holder[key] = self.updates[path]


class Binding:
    """Hands out values by path, each declaration's once (Note [Ties] in ``module.py``)."""

    def __init__(self, model: Tree, values: Mapping[str, Any], run: Run) -> None:
        self.model, self.values, self.run = model, values, run
        self._given: dict[int, Any] = {}  # by id of the declaration: a parameter's value, or a buffer's Held
        if isinstance(values, _values.TorchTensors):
            raise UsageError(
                "bind: these values are in PyTorch's layout",
                remedy="Convert them: model.bind(nn.from_torch(model, tensors)).",
            )

    def value_of(self, declaration: Declaration, path: str, place: Place) -> Any:
        """The value of the declaration at ``path``, which is at ``place`` in the new tree."""
        known: Any = self._given.get(id(declaration))
        if known is None:
            name = path if path in self.values else self._name(declaration)
            known = self.values[name]
            if getattr(known, "shape", None) != declaration.shape:
                self._fitted()  # raises, unless the value is a number or a list that asarray can make an array of
                known = np.asarray(known)
            if not declaration.trained:
                known = name, known, place
            self._given[id(declaration)] = known
        elif not declaration.trained:
            self.run.ties.setdefault(known[0], [known[2]]).append(place)
        if declaration.trained:
            return known
        self.run.buffers[path] = known
        return known[1]

    def check(self) -> None:
        """Raise unless every value belongs to this tree."""
        if len(self.values) != len(self._given):
            self._fitted()

    def _name(self, declaration: Declaration) -> str:
        """The path under which the value of a tied declaration is given."""
        self._fitted()
        return next(path for path, d in self.model._places() if d is declaration and path in self.values)

    def _fitted(self) -> None:
        _values.fitted(self.model, self.values, "bind")
