"""``const_graph``: trace a function once, then repeat the primitives that it called without running its Python.

It is Autograd's, and ``compile`` in one: it records at the first call and repeats from the second on, refuses other
shapes instead of recording them, and what it repeats can be differentiated.

Note [What a constant graph assumes]
It assumes that the function calls the same primitives whatever the values of its arguments. Checked are: structure,
shapes, dtypes and arguments that are not floating, which must be those of the first call; and branches on traced
values, which raise an error that names their line. Not checked are random numbers, global state and files, which are
read at the first call and never again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import numpy as np

from ddtrain import tree
from ddtrain.autodiff import Primitive
from ddtrain.autodiff.operators.argnums import as_array, called, is_floating
from ddtrain.errors import DerivativeError
from ddtrain.plan.program import PlanError
from ddtrain.plan.python_backend import python_function
from ddtrain.plan.recorder import Recorder


class _PrimitiveRecorder(Recorder):
    """Writes primitives down as they are called, not the functions on plain arrays inside: those have derivatives."""

    __slots__ = ()
    records = False  # fused operations are recorded as what they are composed of
    branches = False

    def process(self, prim: Primitive, ans: Any, args: Any, kwargs: Any, argnums: Any, nodes: Any) -> Any:
        slot = super().process(prim, ans, args, kwargs, argnums, nodes)
        self.instructions[-1].function = prim
        return slot


class _Graph:
    """The program of one call, to be repeated with other values."""

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...]) -> None:
        leaves, rebuild = tree.flatten(args)
        self.fun, self.paths = fun, tree.paths(args)
        self.kinds = [_kind(leaf) for leaf in leaves]
        self.constants = [leaf for leaf, kind in zip(leaves, self.kinds, strict=True) if kind is None]
        recorder = _PrimitiveRecorder()
        boxed = [
            leaf if kind is None else recorder.input(as_array(leaf), path)
            for leaf, kind, path in zip(leaves, self.kinds, self.paths, strict=True)
        ]
        try:
            outs, self.rebuild = tree.flatten(fun(*rebuild(boxed)))
        except PlanError:
            raise DerivativeError(
                f"const_graph: {called(fun)} uses a traced value that is not among its arguments",
                remedy="Pass it as an argument: a constant graph would hold on to its first value.",
            ) from None
        self.repeat = python_function(recorder.finish(outs), array=as_array)

    def __call__(self, args: tuple[Any, ...]) -> Any:
        return self.rebuild(self.repeat(*self.check(args)))

    def check(self, args: tuple[Any, ...]) -> list[Any]:
        """The traced leaves of ``args``; raises unless structure, shapes and dtypes are those of the first call."""
        leaves, paths = tree.flatten(args)[0], tree.paths(args)
        if paths != self.paths:
            self._differ("the arguments", f"leaves {', '.join(self.paths)}", f"leaves {', '.join(paths)}")
        constants = iter(self.constants)
        for path, leaf, kind in zip(paths, leaves, self.kinds, strict=True):
            now = _kind(leaf)
            if now != kind:
                self._differ(f"argument {path[1:].replace(']', '', 1)}", kind or "a constant", now or "a constant")
            if kind is None and not np.array_equal(first := next(constants), leaf):
                self._differ(f"argument {path[1:].replace(']', '', 1)}", repr(first), repr(leaf))
        return [as_array(leaf) for leaf, kind in zip(leaves, self.kinds, strict=True) if kind is not None]

    def _differ(self, what: str, first: str, now: str) -> NoReturn:
        raise DerivativeError(
            f"const_graph: {what} of {called(self.fun)} changed: {first} at the first call, now {now}",
            remedy="Make another const_graph for other shapes and constants.",
        )


def _kind(leaf: Any) -> str | None:
    """Shape and dtype of a leaf that is traced; None for a constant of the program."""
    if not is_floating(leaf):
        return None
    leaf = as_array(leaf)
    return f"{leaf.dtype} {leaf.shape}"


def const_graph(fun: Callable[..., Any], *fixed: Any, **fixed_kwargs: Any) -> Callable[..., Any]:
    """``fun`` with its first arguments ``fixed``: traced at its first call, and repeated step by step at later ones.

    Returns
    -------
    Function of the remaining arguments, which may be traced: it can be differentiated like ``fun``.

    Raises
    ------
    DerivativeError : an argument differs in structure, shape or dtype from the first call's; ``fun`` branches on a
        traced value. See Note [What a constant graph assumes].

    >>> calls = []
    >>> square = const_graph(lambda x: calls.append("called") or x * x)
    >>> square(3.0), square(5.0), calls
    (array(9.), array(25.), ['called'])
    """
    graphs: list[_Graph] = []

    @wraps(fun)
    def bound(*args: Any) -> Any:
        return fun(*fixed, *args, **fixed_kwargs)

    @wraps(fun)
    def replayed(*args: Any) -> Any:
        if not graphs:
            graphs.append(_Graph(bound, args))
        return graphs[0](args)

    return replayed
