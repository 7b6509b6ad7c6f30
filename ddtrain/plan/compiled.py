"""``compile``: a function that records itself, and from its third call on repeats what it recorded."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff import BOXES, array_like
from ddtrain.plan.differences import difference
from ddtrain.plan.passes import improve
from ddtrain.plan.program import Program
from ddtrain.plan.python_backend import python_function
from ddtrain.plan.recorder import Recorder, could_be_the_recorder

_ARRAYS = (np.ndarray, np.memmap)
SIGNATURES = 8  # plans of one function; one that is called with ever other shapes is better off without


class _Plan:
    """What is known of one signature: the program of the first call, then the function that repeats it."""

    __slots__ = ("function", "program", "rebuild")

    def __init__(self) -> None:
        self.program: Program | None = None
        self.function: Callable[..., Any] | None = None
        self.rebuild: Callable[[list[Any]], Any] | None = None


class Compiled:
    """What :func:`compile` returns.

    Attributes
    ----------
    refused : why the function is called as it is; empty while it can be planned
    plans : by signature
    """

    def __init__(self, fun: Callable[..., Any]) -> None:
        self.fun, self.refused = fun, ""
        self.plans: dict[Any, _Plan] = {}
        update_wrapper(self, fun)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.refused:
            return self.fun(*args, **kwargs)
        leaves, rebuild = tree.flatten((args, kwargs))
        if any(type(leaf) in BOXES for leaf in leaves):
            return self.fun(*args, **kwargs)
        key = (_structure(args), _structure(kwargs), *map(_signature, leaves))
        try:
            plan = self.plans.get(key)
        except TypeError:  # an argument that cannot be compared with those of other calls
            return self._without("an argument is neither an array nor a constant that can be compared", args, kwargs)
        if plan is None:
            if len(self.plans) == SIGNATURES:
                why = f"it is called with ever other shapes or constants ({SIGNATURES} so far)"
                return self._without(why, args, kwargs)
            plan = _Plan()
        if plan.function is not None and plan.rebuild is not None:
            return plan.rebuild(plan.function(*[_array(leaf) for leaf in leaves if _moves(leaf)]))
        answer = self._record(plan, leaves, rebuild)
        self.plans[key] = plan  # not before: a call that fails is no signature
        return answer

    def describe(self) -> str:
        """The programs recorded so far, as text; or why there is none."""
        programs = [plan.program.describe() for plan in self.plans.values() if plan.program is not None]
        return self.refused or "\n\n".join(programs)

    def _record(self, plan: _Plan, leaves: list[Any], rebuild: Callable[[list[Any]], Any]) -> Any:
        recorder, paths = Recorder(), tree.paths(rebuild(leaves))
        boxed = [
            recorder.input(_array(leaf), path) if _moves(leaf) else leaf
            for leaf, path in zip(leaves, paths, strict=True)
        ]
        args, kwargs = rebuild(boxed)
        try:
            results, plan.rebuild = tree.flatten(self.fun(*args, **kwargs))
            program = recorder.finish(results)
        except Exception as error:
            if not (recorder.refused or could_be_the_recorder(error)):
                raise
            args, kwargs = rebuild(leaves)
            return self._without(recorder.refused or str(error).partition("\n")[0], args, kwargs, frames=5)
        answer = plan.rebuild([array_like(result) for result in results])
        if plan.program is None:
            plan.program = program
        elif different := difference(plan.program, program):
            self._refuse(different)
        else:
            plan.function = python_function(improve(program))
        return answer

    def _without(self, why: str, args: Any, kwargs: Any, frames: int = 4) -> Any:
        """Call the function as it is; if that is no mistake of the caller's, there is no plan from now on."""
        answer = self.fun(*args, **kwargs)
        self._refuse(why, frames)
        return answer

    def _refuse(self, why: str, frames: int = 4) -> None:
        """There is no plan from now on, of which whoever called the function, so many frames away, is told."""
        self.refused = why
        name = getattr(self.fun, "__name__", type(self.fun).__name__)
        warnings.warn(f"compile: {name} runs without a plan, because {why}", RuntimeWarning, stacklevel=frames)


def compile(fun: Callable[..., Any]) -> Compiled:
    """``fun``, recorded when it is first called, and repeated without its Python from the third call on.

    Parameters
    ----------
    fun : function of arrays and structures of them; what is no array, and no floating number, is a constant, and every
        combination of shapes, dtypes and constants has a plan of its own. Derivatives are welcome inside:
        ``compile(grad(f))``, a Hessian-vector product, a step of an optimizer

    Returns
    -------
    The same function. Called with traced values it is ``fun`` itself. A function that cannot be repeated (Note [What a
    plan assumes]) is called as before, after one warning that says why.

    >>> from ddtrain import grad
    >>> import ddtrain.numpy as dnp
    >>> calls = []
    >>> slope = compile(grad(lambda x: calls.append("called") or dnp.sum(dnp.tanh(x) ** 2)))
    >>> [float(slope(np.array([x]))[0].round(3)) for x in (0.5, 1.0, 1.5, 2.0)]
    [0.727, 0.64, 0.327, 0.136]
    >>> calls
    ['called', 'called']
    """
    return Compiled(fun)


def _moves(leaf: Any) -> bool:
    """Whether a leaf is an input of the program, not a constant.

    Subclasses of arrays have arithmetic of their own: a masked array's sum is no array's.
    """
    if type(leaf) in _ARRAYS or isinstance(leaf, np.number):
        return leaf.dtype.kind in "fciub"
    return type(leaf) in (float, complex)


def _structure(value: Any) -> Any:
    """What containers there are, with their keys in order: a list is no tuple, though the leaves are the same."""
    if isinstance(value, dict):
        return type(value), *[(key, _structure(part)) for key, part in value.items()]
    if isinstance(value, list | tuple):
        return type(value), *map(_structure, value)
    return None


def _array(leaf: Any) -> Any:
    return leaf if type(leaf) is np.ndarray else np.asarray(leaf)


def _signature(leaf: Any) -> Any:
    """What two calls must have in common to share a plan."""
    if not _moves(leaf):
        return type(leaf), leaf
    leaf = _array(leaf)
    return leaf.shape, leaf.dtype.char
