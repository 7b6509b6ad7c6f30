"""The plain arrays that a function uses beside what it is differentiated by, and whether they were written to.

See Note [Mutated arguments] in ``guard.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np

from ddtrain.autodiff.guard import SMALL_BYTES
from ddtrain.autodiff.reverse import Tape
from ddtrain.autodiff.rules import rule_of
from ddtrain.autodiff.tracer import Primitive, value_of

LOOKS = 128  # entries of a larger array that a glance looks at
ENTRIES = 16  # of a list or dictionary that are looked at


def glance(x: Any) -> bytes:
    """Some of the bytes of an array: all of a small one.

    >>> x = np.arange(1000.0)
    >>> before = glance(x)
    >>> x *= 2
    >>> glance(x) == before
    False
    """
    return bytes(x.tobytes() if x.nbytes <= SMALL_BYTES else x.flat[:: x.size // LOOKS].tobytes())


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
                            return name, x, prim.__name__
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
    if _octets(prim.raw(*now, **kwargs)) == _octets(ans):
        return False
    other, g = list(now), np.ones_like(value_of(ans))
    other[k] = ~now[k] if now[k].dtype.kind == "b" else now[k] + 1
    rules = [rule for i in argnums if (rule := rule_of(prim, i, "vjp")) is not None]
    return any(_octets(rule(g, ans, *now, **kwargs)) != _octets(rule(g, ans, *other, **kwargs)) for rule in rules)


def _octets(x: Any) -> bytes:
    return np.asarray(value_of(x)).tobytes()


def _reachable(
    fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], taken: int | Sequence[int]
) -> Iterator[tuple[str, Any]]:
    for i, a in enumerate(args):
        if i != taken and (isinstance(taken, int) or i not in taken):
            yield from _arrays(f"argument {i}", a)
    for key, a in kwargs.items():
        yield from _arrays(f"argument {key!r}", a)
    fun = getattr(fun, "__func__", fun)  # of a method
    code = getattr(fun, "__code__", None)
    if code is None:
        return
    for name, cell in zip(code.co_freevars, fun.__closure__ or ()):
        with suppress(ValueError):  # not bound yet
            yield from _arrays(repr(name), cell.cell_contents)
    known = fun.__globals__
    for name in code.co_names:
        if name in known:
            yield from _arrays(repr(name), known[name])


def _arrays(name: str, x: Any) -> Iterator[tuple[str, Any]]:
    if type(x) is np.ndarray:
        yield name, x
    elif type(x) in (list, tuple, dict):
        for entry in islice(x.values() if type(x) is dict else x, ENTRIES):
            if type(entry) is np.ndarray:
                yield name, entry
