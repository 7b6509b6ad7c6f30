"""The plain arrays that a function uses beside what it is differentiated by, and whether they were written to.

See Note [Mutated arguments] in ``guard.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ddtrain.autodiff.guard import SMALL_BYTES
from ddtrain.autodiff.reverse import Tape
from ddtrain.autodiff.rules import rule_of
from ddtrain.autodiff.tracer import Primitive, value_of

LOOKS = 128  # entries of a larger array that a glance looks at
ENTRIES = 16  # of a list or dictionary that are looked at
_CONTAINERS = (list, tuple, dict)


def glance(x: Any) -> bytes:
    """Some of the bytes of an array: all of a small one.

    >>> x = np.arange(1000.0)
    >>> before = glance(x)
    >>> x *= 2
    >>> glance(x) == before
    False
    """
    return (x if x.nbytes <= SMALL_BYTES else x.flat[:: x.size // LOOKS]).tobytes()  # type: ignore[no-any-return]


class Beside:
    """The plain arrays that ``fun(*args, **kwargs)`` can use beside the arguments ``taken``, as they are now."""

    __slots__ = ("seen",)

    def __init__(self, fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], taken: Any) -> None:
        self.seen = [[name, x, glance(x)] for name, x in _reachable(fun, args, kwargs, taken)]

    def written_to(self, tape: Tape) -> tuple[str, Any, str] | None:
        """The first step of a tape one of whose operands was written to since: name of the array, array, step."""
        changed = [one for one in self.seen if glance(one[1]) != one[2]]
        for prim, ans, args, kwargs, argnums, _ in tape.entries[tape.n_leaves :] if changed else ():
            for k, a in enumerate(args):
                if isinstance(a, np.ndarray):
                    for name, x, _ in changed:
                        if np.may_share_memory(a, x) and _is_stale(prim, ans, args, kwargs, argnums, k):
                            return f"argument {name}" if isinstance(name, int) else repr(name), x, prim.__name__
        for one in changed:  # before it was used: now is what to compare with
            one[2] = glance(one[1])
        return None


def _is_stale(
    prim: Primitive, ans: Any, args: Sequence[Any], kwargs: dict[str, Any], argnums: Sequence[int], k: int
) -> bool:
    """Whether a step comes out differently now, and a rule of it reads operand ``k``: that of a sum reads none."""
    if prim.compose is not None or prim.joint is not None or isinstance(value_of(ans), tuple):
        return False  # fused operations keep what they need; and several results side by side read nothing
    now = [value_of(a) for a in args]
    other, g = list(now), np.ones_like(value_of(ans))
    other[k] = ~now[k] if now[k].dtype.kind == "b" else now[k] + 1
    rules = [rule for i in argnums if (rule := rule_of(prim, i, "vjp")) is not None]
    try:
        if _octets(prim.raw(*now, **kwargs)) == _octets(ans):
            return False
        return any(_octets(rule(g, ans, *now, **kwargs)) != _octets(rule(g, ans, *other, **kwargs)) for rule in rules)
    except IndexError:  # of positions, which a rule reads
        return True


def _octets(x: Any) -> bytes:
    return np.asarray(value_of(x)).tobytes()


def _reachable(
    fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], taken: int | Sequence[int]
) -> list[tuple[int | str, Any]]:
    """Arguments by position or keyword, and what ``fun`` names, with the arrays that are there; in order, and quick."""
    there: list[tuple[int | str, Any]] = []
    if len(args) > 1:
        there += [(i, a) for i, a in enumerate(args) if i != taken and (isinstance(taken, int) or i not in taken)]
    if kwargs:
        there += kwargs.items()
    if type(fun) is MethodType:
        fun = fun.__func__
    if type(fun) is FunctionType:
        code = fun.__code__
        if fun.__closure__:
            for name, cell in zip(code.co_freevars, fun.__closure__):
                try:
                    there.append((name, cell.cell_contents))
                except ValueError:  # not bound yet
                    continue
        known = fun.__globals__
        there += [(name, known[name]) for name in code.co_names if name in known]
    found: list[tuple[int | str, Any]] = []
    for place, x in there:
        if type(x) is np.ndarray:
            found.append((place, x))
        elif type(x) in _CONTAINERS:
            entries = islice(x.values() if type(x) is dict else x, ENTRIES)
            found += [(place, entry) for entry in entries if type(entry) is np.ndarray]
    return found
