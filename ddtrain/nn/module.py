"""Modules: a model is a tree of declarations, and ``bind`` is where values, mode and randomness enter.

A module as written holds no numbers. ``param`` and ``buffer`` declare shapes and initial values; ``init`` draws
those; ``bind`` gives a shallow copy of the tree in which every declaration is replaced by a value. The values may be
boxes, which is what lets ``grad`` work on models.

Note [Initial values]
A parameter's initial value is drawn from (seed, path), so it depends neither on the order of construction nor on
the rank: replicas start equal without a broadcast.

Note [Ties]
A declaration is one value, wherever it stands: ``self.decoder.weight = self.encoder.weight`` ties two layers, and so
does one module at two places. The value has the first of its paths, is drawn, stored and updated once, and its gradient
is the sum over all places. Only what is exported has every path, as PyTorch's ``state_dict`` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from copy import copy
from types import MappingProxyType
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain import rng as _rng
from ddtrain.current_layer import LAYER
from ddtrain.errors import DdtrainError, ShapeError, UsageError
from ddtrain.nn import state_dict
from ddtrain.nn.binding import Binding, Run
from ddtrain.nn.declarations import Declaration, differ_in_torch_axes
from ddtrain.nn.init.functions import Init

T = TypeVar("T")


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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls):  # summaries, check and errors, which name layers, would not see its calls
            hint = "Name it forward."
            raise UsageError(f"{cls.__name__} computes in __call__, which is the Module's own", remedy=hint)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's output.

        >>> class Doubled(Module):
        ...     def forward(self, x):
        ...         return 2 * x
        >>> Doubled().bind({})(3.0)
        6.0
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        run = self._run
        if run is None:
            raise UsageError(
                f"{type(self).__name__} was called before it had values",
                remedy="Bind it first: model.bind(model.init(seed))(x), or run.load(model)(x). A module within another "
                "is found in its attributes, and in lists, tuples and dicts there.",
            )
        if run.calls is not None:
            return run.answer(self, args, kwargs)
        if run.pending:
            run.catch_up(self)
        layer = self._path or type(self).__name__
        token = LAYER.set(layer)
        try:
            if run.watcher is None:
                return self.forward(*args, **kwargs)
            run.watcher.enter(self)
            output = self.forward(*args, **kwargs)
            run.watcher.leave(self, output)
            return output
        except DdtrainError as error:
            error.at(layer=layer)
            raise
        finally:
            LAYER.reset(token)

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__.get(name)
        if isinstance(held, Declaration) and isinstance(value, Declaration) and differ_in_torch_axes(held, value):
            raise ShapeError(
                f"{type(self).__name__}.{name} and what replaces it are both {held.shape}, but PyTorch has their axes "
                f"in the orders {held.axes_of_torch()} and {value.axes_of_torch()}: one of them would be transposed",
                remedy="Declare both with the same torch_axes, or transpose in forward: np.transpose(weight).",
            )
        object.__setattr__(self, name, value)

    # -- the tree -------------------------------------------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Module]]:
        """Direct submodules by name, in order of declaration; those in a list are named by position, in a dict by key.

        >>> class Heads(Module):
        ...     def __init__(self):
        ...         self.heads = {"cat": Module(), "dog": [Module()]}
        >>> [name for name, _ in Heads().children()]
        ['heads.cat', 'heads.dog.0']
        """
        return self._own(Module)

    def _own(self, kind: type[T]) -> Iterator[tuple[str, T]]:
        for name, value in self.__dict__.items():
            if isinstance(value, kind):
                yield name, value
            elif isinstance(value, (list, tuple, dict)):
                yield from _within(kind, name, value)

    def _places(self, prefix: str = "", above: tuple[Module, ...] = ()) -> Iterator[tuple[str, Declaration]]:
        """Every path of the tree at which a parameter or buffer stands, also the further ones of those that are tied.

        Raises
        ------
        UsageError : a module stands within itself
        """
        if any(module is self for module in above):
            raise UsageError(
                f"the {type(self).__name__} at {prefix[:-1]!r} stands within itself",
                remedy="Pass what it needs of the one above to forward, or keep it outside of its attributes.",
            )
        yield from ((prefix + name, declaration) for name, declaration in self._own(Declaration))
        for name, child in self.children():
            yield from child._places(f"{prefix}{name}.", (*above, self))

    def declarations(self) -> dict[str, Declaration]:
        """Every parameter and buffer of the tree by path, in order of declaration; tied ones by their first (Note
        [Ties]).

        Raises
        ------
        UsageError : a module stands within itself; two attributes have one path

        >>> from ddtrain.nn import Linear, Sequential
        >>> list(Sequential(Linear(2, 2), Linear(2, 1, bias=False)).declarations())
        ['0.weight', '0.bias', '1.weight']
        """
        found: dict[str, Declaration] = {}
        seen: set[int] = set()
        for path, declaration in state_dict.by_path(self).items():
            if id(declaration) not in seen:
                found[path] = declaration
                seen.add(id(declaration))
        return found

    def init(self, seed: int = 0, dtype: DTypeLike = np.float32) -> dict[str, NDArray[Any]]:
        """Initial values of all parameters and buffers by path (Note [Initial values]).

        A module that begins with other values than its declarations say overrides this, wherever it stands in the
        tree: it returns a value for each of its own paths, e.g. saved weights, or what ``super().init`` gave, changed.

        Raises
        ------
        UsageError : values are missing, unexpected, of another shape, complex or not finite, all of them listed

        >>> from ddtrain.nn import Linear, Sequential
        >>> one, again = (Sequential(Linear(2, 2), Linear(2, 2)).init(seed=0) for _ in range(2))
        >>> bool((one["0.weight"] == again["0.weight"]).all()), bool((one["0.weight"] == one["1.weight"]).any())
        (True, False)
        """
        within = _DRAWING.get()
        if within is None or within.module is not self:  # this module is the root of the tree
            state_dict.by_path(self)  # raises if a module contains itself
            return state_dict.initial(self, self._drawn(seed, dtype, "", {}), dtype)
        return self._drawn(seed, dtype, within.prefix, within.drawn)

    def _drawn(self, seed: int, dtype: DTypeLike, prefix: str, drawn: dict[int, Any]) -> dict[str, NDArray[Any]]:
        values = {}
        for name, d in self._own(Declaration):
            if id(d) not in drawn:
                value = _first_value(d, seed, prefix + name)
                drawn[id(d)] = state_dict.as_dtype(value, dtype)
            values[name] = drawn[id(d)]
        for name, child in self.children():
            token = _DRAWING.set(_Drawing(child, f"{prefix}{name}.", drawn))
            try:
                values.update({f"{name}.{path}": value for path, value in child.init(seed, dtype).items()})
            finally:
                _DRAWING.reset(token)
        return values

    # -- binding --------------------------------------------------------------------------------------------------

    def bind(self, values: Mapping[str, Any], *, training: bool = False, rng: _rng.SampleRng | None = None) -> Self:
        """A shallow copy of the tree with ``values`` in the place of its declarations, ready to be called.

        Parameters
        ----------
        values : by path, one for each of :meth:`declarations`; arrays or boxes
        training : whether dropout drops and batch-norm uses the batch
        rng : where dropout's numbers come from, needed when training with dropout

        Raises
        ------
        UsageError : values are missing, unexpected or of another shape, all of them listed; two for what is tied; or
            they are in PyTorch's layout

        >>> from ddtrain import grad
        >>> from ddtrain.nn import Linear
        >>> model = Linear(2, 1, bias=False)
        >>> loss = lambda values: model.bind(values)(np.array([[1.0, 3.0]])).sum()
        >>> grad(loss)({"weight": np.zeros((2, 1))})
        {'weight': array([[1.],
               [3.]])}
        """
        binding = Binding(self, values, Run(training, rng, model=self))
        bound = self._bound(binding, "")
        binding.check()
        return bound

    def _bound(self, binding: Binding, prefix: str) -> Self:
        new = object.__new__(type(self))
        attributes = new.__dict__
        for name, value in self.__dict__.items():
            if isinstance(value, Module):
                value = value._bound(binding, f"{prefix}{name}.")
            elif isinstance(value, Declaration):
                value = binding.value_of(value, prefix + name, (new, attributes, name))
            elif isinstance(value, (list, tuple, dict)):
                value = _container_bound(value, binding, f"{prefix}{name}", new)
            attributes[name] = value
        attributes["_path"], attributes["_run"] = prefix[:-1], binding.run
        return new

    def evaluating(self) -> Self:
        """A bound module for evaluation, whatever it was bound for: itself, or a shallow copy with the same values.

        >>> from ddtrain.nn import Dropout
        >>> Dropout(0.5).bind({}, training=True).evaluating()(np.ones(3))
        array([1., 1., 1.])
        """
        if self._run is None or not self._run.training:
            return self
        return self._bound(Binding(self, {}, Run(model=self._run.model)), f"{self._path}." if self._path else "")

    @property
    def run(self) -> Run:
        """Mode and randomness of this forward pass, and the updates it has gathered.

        ``run.training`` is true in a step of training and false in evaluation. ``run.rng`` has the random numbers of a
        training step, and is None in evaluation; layers draw by ``run.uniform``, so that a sample has the same numbers
        on any number of ranks. A loss has both as ``model.run``.

        >>> class Noise(Module):
        ...     def forward(self, x):
        ...         return x + self.run.uniform("noise", x.shape) if self.run.training else x
        >>> x = np.zeros((3, 2))
        >>> still, noisy = Noise().bind({}), Noise().bind({}, training=True, rng=_rng.SampleRng(seed=0, step=0))
        >>> bool((still(x) == x).all()), bool((noisy(x) == x).any()), still.run.rng
        (True, False, None)
        """
        assert self._run is not None, "only a bound module has a run"
        return self._run

    def update(self, **buffers: Any) -> None:
        """Replace buffers of this module. They take effect when the step is applied, or the module is called again.

        Note [Updates wait]
        A step that is skipped because its gradients are not finite must leave no trace, so a forward pass gathers new
        running statistics in ``run.updates``, and the owner of the values stores them. A module that is called twice
        starts the second time from the values that the first call has set; during a call it reads the old ones.

        Raises
        ------
        UsageError : no such buffer
        ShapeError : the buffer has another shape

        >>> from ddtrain.nn import buffer, init
        >>> class Calls(Module):
        ...     def __init__(self):
        ...         self.count = buffer((), init.zeros, reduce="sum")
        ...
        ...     def forward(self, x):
        ...         self.update(count=self.count + 1)
        ...         return x
        >>> calls = Calls().bind({"count": np.array(0.0)})
        >>> calls(5.0), calls(5.0), float(calls.run.updates["count"])
        (5.0, 5.0, 2.0)
        """
        prefix = f"{self._path}." if self._path else ""
        self.run.replace(prefix, buffers)


def _first_value(declaration: Declaration, seed: int, path: str) -> NDArray[Any]:
    try:
        return declaration.drawn(_rng.stream(seed, f"init/{path}"), OTHER_INITS.get().get(id(declaration)))
    except DdtrainError as error:
        raise error.at(layer=path) from None


class _Drawing(NamedTuple):
    """What a module within a tree needs to know for its initial values: the tree's are drawn by whole paths."""

    module: Module
    prefix: str
    drawn: dict[int, Any]  # initial values by id of their declaration


# Initializers that stand in for those declared, by declaration, while initial values are drawn (``reinitialize.py``)
OTHER_INITS: ContextVar[Mapping[int, Init]] = ContextVar("other_inits", default=MappingProxyType({}))
_DRAWING: ContextVar[_Drawing | None] = ContextVar("drawing", default=None)


def _within(kind: type[T], name: str, value: Any) -> Iterator[tuple[str, T]]:
    """What a list, tuple or dict holds of a kind, also in others within."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, kind):
            yield f"{name}.{key}", item
        elif isinstance(item, (list, tuple, dict)):
            yield from _within(kind, f"{name}.{key}", item)


def _container_bound(value: Any, binding: Binding, path: str, owner: Module) -> Any:
    """A copy of a list, tuple or dict with its modules and declarations bound; itself, if it has none."""
    new: Any = None
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if not isinstance(item, (Module, Declaration, list, tuple, dict)):
            continue
        at = f"{path}.{key}"
        if isinstance(item, (list, tuple, dict)):
            bound = _container_bound(item, binding, at, owner)
            if bound is item:
                continue
        if new is None:
            new = list(value) if isinstance(value, tuple) else copy(value)
        if isinstance(item, Module):
            bound = item._bound(binding, f"{at}.")
        elif isinstance(item, Declaration):
            bound = binding.value_of(item, at, (owner, None if isinstance(value, tuple) else new, key))
        new[key] = bound
    if new is None:
        return value
    if isinstance(value, tuple):
        return type(value)(*new) if hasattr(value, "_fields") else type(value)(new)
    return new
