"""``const_graph``: trace a function once, then repeat the primitives that it called without running its Python.

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
from ddtrain.autodiff.core.boxes import BOXES, Primitive, Trace, box
from ddtrain.autodiff.operators.argnums import as_array, called, is_floating
from ddtrain.errors import DerivativeError


class Recorder(Trace):
    """The trace that records a program: for each step its primitive, its arguments, and where those come from.

    The first slots hold the traced arguments, slot ``n_leaves + k`` the result of step ``k``.
    """

    __slots__ = ("fun", "n_leaves", "steps")
    sees_constants = True
    branches = False

    def __init__(self, fun: Callable[..., Any], n_leaves: int) -> None:
        super().__init__()
        self.fun, self.n_leaves = fun, n_leaves
        self.steps: list[tuple[Primitive, list[Any], dict[str, Any], list[tuple[int, int]]]] = []

    def process(self, prim: Primitive, ans: Any, args: Any, kwargs: dict[str, Any], argnums: Any, nodes: Any) -> int:
        constants = [None if i in argnums else a for i, a in enumerate(args)]
        if any(type(a) in BOXES for a in constants):
            raise DerivativeError(
                f"const_graph: {called(self.fun)} uses a traced value that is not among its arguments",
                remedy="Pass it as an argument: a constant graph would hold on to its first value.",
            )
        self.steps.append((prim, constants, kwargs, list(zip(argnums, nodes, strict=True))))
        return self.n_leaves + len(self.steps) - 1


class _Program:
    """The recorded steps of one call, to be repeated with other values."""

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...]) -> None:
        leaves, rebuild = tree.flatten(args)
        self.fun, self.paths = fun, tree.paths(args)
        self.kinds = [_kind(leaf) for leaf in leaves]
        moving = [k for k, kind in enumerate(self.kinds) if kind is not None]
        self.constants = [leaf for leaf, kind in zip(leaves, self.kinds, strict=True) if kind is None]
        recorder = Recorder(fun, len(moving))
        for slot, k in enumerate(moving):
            leaves[k] = box(as_array(leaves[k]), recorder, slot)
        outs, self.rebuild = tree.flatten(fun(*rebuild(leaves)))
        self.outs = [(out.node, None) if _is_of(out, recorder) else (None, out) for out in outs]
        self.steps = recorder.steps

    def __call__(self, args: tuple[Any, ...]) -> Any:
        slots = self.check(args)
        for prim, constants, kwargs, taken in self.steps:
            values = list(constants)
            for i, slot in taken:
                values[i] = slots[slot]
            slots.append(prim(*values, **kwargs))
        return self.rebuild([constant if slot is None else as_array(slots[slot]) for slot, constant in self.outs])

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


def _is_of(out: Any, trace: Trace) -> bool:
    return type(out) in BOXES and out._trace is trace


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
    programs: list[_Program] = []

    @wraps(fun)
    def bound(*args: Any) -> Any:
        return fun(*fixed, *args, **fixed_kwargs)

    @wraps(fun)
    def replayed(*args: Any) -> Any:
        if not programs:
            programs.append(_Program(bound, args))
        return programs[0](args)

    return replayed
