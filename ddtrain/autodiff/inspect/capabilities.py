"""Finds out by trying whether a function differentiates, in which modes, how often, and for complex numbers.

``table.py`` prints the findings. A primitive is tried on the examples it was declared with. A composition has none, so
it is given arguments of the common kinds until it accepts some and a trace reaches its result.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import Primitive, value_of
from ddtrain.autodiff.core.examples import Case, Sampler
from ddtrain.autodiff.core.outputs import Outputs, unpack
from ddtrain.autodiff.inspect.drawing import Node
from ddtrain.autodiff.inspect.graph import graph
from ddtrain.autodiff.operators.check_grads import check_grads

BOTH = ("fwd", "rev")


@dataclass(frozen=True)
class Found:
    """The findings about one function.

    Attributes
    ----------
    vjp, jvp, second, complex : reverse mode, forward mode, each over each, and both modes for complex numbers
    arguments : positions of the arguments with a derivative, if other floating arguments have none
    reached : whether there is any derivative, right or wrong; without one, the function is constant
    """

    vjp: bool = False
    jvp: bool = False
    second: bool = False
    complex: bool = False
    arguments: tuple[int, ...] = ()
    reached: bool = field(default=False, repr=False, compare=False)


def try_primitive(prim: Primitive) -> Found:
    """Try a primitive on its examples.

    >>> import ddtrain.numpy as np
    >>> try_primitive(np.tanh)
    Found(vjp=True, jvp=True, second=True, complex=True, arguments=())
    """
    cases = prim.examples(Sampler())
    real = _call(prim, cases[0])  # one example is enough here; the conformance suite tries them all
    complex_ = _call(prim, prim.examples(Sampler(0, np.complex128))[0])
    ruled = {i for case in cases for i in case.differentiated}
    floating = {i for case in cases for i, a in enumerate(case.args) if _kind(a) in "fc"}
    second = _passes(*real, BOTH, 2)
    return Found(
        vjp=second or _passes(*real, ["rev"], 1),
        jvp=second or _passes(*real, ["fwd"], 1),
        second=second,
        complex=_is_complex(complex_[1]) and _passes(*complex_, BOTH, 1),
        arguments=tuple(sorted(ruled)) if floating - ruled else (),
        reached=True,
    )


def try_composition(fun: Callable[..., Any]) -> Found | None:
    """Try a composition on the first arguments that differentiate; nothing is found if no trace reaches the result.

    Returns
    -------
    None if the function accepts no arguments that we know of.

    >>> import ddtrain.numpy as np
    >>> try_composition(np.hstack)
    Found(vjp=True, jvp=True, second=True, complex=True, arguments=())
    >>> try_composition(np.shape)
    Found(vjp=False, jvp=False, second=False, complex=False, arguments=())
    """
    accepted = ever = False
    for real, complex_ in zip(_arguments(np.float64), _arguments(np.complex128), strict=True):
        reached = _reached(fun, real)
        accepted, ever = accepted or reached is not None, ever or bool(reached)
        if reached and _passes(fun, real, BOTH, 2):
            holds = _is_complex(tree.flatten(complex_)[0]) and _passes(fun, complex_, BOTH, 1)
            return Found(True, True, True, holds, reached=True)
    if not accepted or ever:
        return Found(reached=True) if ever else None
    tried = [args for args in _arguments(np.complex128) if _is_complex(tree.flatten(args)[0]) and _reached(fun, args)]
    return Found(complex=bool(tried) and _passes(fun, tried[0], BOTH, 1))


def _arguments(dtype: Any) -> list[tuple[Any, ...]]:
    """Arguments of the common kinds, in (0.2, 1) or near the identity, where most functions are defined."""
    r = Sampler(0, dtype)
    v, w, m, n = (0.6 + 0.4 * r.unit(*shape) for shape in ((4,), (4,), (2, 4), (4, 2)))
    s = np.eye(4) + 0.1 * r.unit(4, 4)
    s = s @ s.T.conj()
    low, high = np.sort(v.real)[:2] * 0.1, np.sort(w.real)[:2] + 1
    mask, labels = np.array([True, False, True, True]), np.array([2, 0])
    return [
        (s,), (m,), (v,), (v[0],), (s, s), (s, v), (v, w), (m, v), (m, n), (m, m),
        ([v, w],), (v, [w, v]), (m, labels), (m, m[:, 0]), (v, w, v + w), (high, low, high), (m, v, v, v),
        (m, m, v, v), (m, v, v, v, v), (v, v, v[:2]), (v, v[:3]), (s[:3, :3], s[0, :3]),
        (m, 1), (m, 2), (m, 0.3), (m, 0, 1), (m, (4, 2)), (m, (2, 2, 4)), (m, (1, 0)), (m, [1, 0]), (v, 1, 2.0),
        (m, [[0], [1]], 1), (m, labels[None], 0), (mask, v), ([mask], [v]), (v, [mask], [np.sin]), (np.sin, 0, m),
        (np.sum, m, (0,)), ("ij,j->i", m, v), ([m, n, m],), (s, 3), (v.reshape(1, 2, 2, 1),), (m, v, v, 0.1),
        (v[0], v), (3, v), (3, v[0] + 1), (v, s), (v, v, s), (v / v.sum(), w), (s.reshape(4, 2, 2), 1), (v, 3, w),
        (v, w, 1), ((s, False), v), ((s, np.arange(4)), v), ((1, 1), np.stack([0.1 * v, 1 + w, 0.1 * w]), v), (v, "d"),
        (labels, v[:2]),
    ]  # fmt: skip


def _call(prim: Primitive, case: Case) -> tuple[Callable[..., Any], list[Any]]:
    """One example as a function of its differentiated arguments, and those arguments."""

    def fun(*xs: Any) -> Any:
        args = list(case.args)
        for i, x in zip(case.differentiated, xs, strict=True):
            args[i] = x
        out = prim(*args, **case.kwargs)
        return unpack(out) if type(value_of(out)) is Outputs else out

    return fun, [case.args[i] for i in case.differentiated]


def _reached(fun: Callable[..., Any], args: tuple[Any, ...]) -> bool | None:
    """Whether a trace of the arguments reaches the result; None if there is none, or none made of numbers."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            leaves = tree.flatten(graph(fun, *args).result)[0]
    except Exception:  # a function may refuse its arguments with any exception
        return None
    if not any(isinstance(leaf, Node) or np.asarray(leaf).dtype.kind in "biufc" for leaf in leaves):
        return None
    return any(isinstance(leaf, Node) and leaf.prim is not None and leaf.prim.differentiable for leaf in leaves)


def _passes(fun: Callable[..., Any], xs: Sequence[Any], modes: Sequence[str], order: int) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            check_grads(fun, modes, order)(*xs)
    except Exception:
        return False
    return True


def _kind(x: Any) -> str:
    return x.dtype.kind if isinstance(x, np.ndarray | np.generic) else "-"


def _is_complex(leaves: Sequence[Any]) -> bool:
    return any(_kind(leaf) == "c" for leaf in leaves)
