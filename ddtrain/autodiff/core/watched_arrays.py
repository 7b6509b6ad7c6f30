"""Checks whether plain arrays that a trace's steps use, beside its traced values, were written to afterwards.

See Note [Mutated arguments] in ``mutation_check.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ddtrain.autodiff.core.boxes import Primitive, value_of
from ddtrain.autodiff.core.mutation_check import SMALL_BYTES
from ddtrain.autodiff.core.reverse import NO_KEYWORDS, Tape
from ddtrain.autodiff.core.rules import rule_of

LOOKS = 128  # how many entries of a larger array glance() reads
ENTRIES = 16  # how many entries of a container are searched for an array, to name it in a message
_CONTAINERS = (list, tuple, dict)
# Types of operands that can be written to, or that hold arrays which can: an index may be a tuple of arrays.
_WATCHED = {np.ndarray, tuple}


def glance(x: Any) -> int:
    """A hash of some entries of an array; of all entries, if it is small.

    >>> x = np.arange(1000.0)
    >>> before = glance(x)
    >>> x *= 2
    >>> glance(x) == before
    False
    """
    return hash((x if x.nbytes <= SMALL_BYTES else x.flat[:: x.size // LOOKS]).tobytes())


class WatchingTape(Tape):
    """The tape of the operators, which remembers a glance at every plain array that a step uses."""

    __slots__ = ("seen",)

    def __init__(self, n_leaves: int) -> None:
        super().__init__(n_leaves)
        self.seen: list[tuple[int, int, Any, int]] = []  # (step, operand position, array, its glance)

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[int],
    ) -> int:
        index = len(self.entries)
        if len(args) == 2:  # the commonest case, written out: only the operand that is not traced can be watched
            if len(argnums) == 1 and type(a := args[k := 1 - argnums[0]]) in _WATCHED:
                if type(a) is not tuple:
                    self.seen.append((index, k, a, glance(a)))
                else:
                    self._look(index, k, a)
        elif len(args) > len(argnums):
            for k, a in enumerate(args):
                if type(a) in _WATCHED and k not in argnums:
                    self._look(index, k, a)
        # the same as Tape.process, repeated here to save a call
        self.entries.append((prim, ans, args, kwargs or NO_KEYWORDS, argnums, nodes))
        for parent in nodes:
            if parent < self.n_leaves and not self.first_use[parent]:
                self.first_use[parent] = index
        return index

    def _look(self, index: int, k: int, a: Any) -> None:
        for part in (a,) if type(a) is np.ndarray else a:
            if type(part) is np.ndarray:
                self.seen.append((index, k, part, glance(part)))

    def written_to(self) -> tuple[Any, str] | None:
        """An array that was written to after a step used it, and the first such step's name; None without one."""
        now: dict[int, int] = {}
        for index, k, x, before in self.seen:
            if id(x) not in now:
                now[id(x)] = glance(x)
            if now[id(x)] != before:
                prim, ans, args, kwargs, argnums, _ = self.entries[index]
                if _rules_read(prim, ans, args, kwargs, argnums, k):
                    return x, prim.__name__
        return None


def _rules_read(
    prim: Primitive, ans: Any, args: Sequence[Any], kwargs: dict[str, Any], argnums: Sequence[int], k: int
) -> bool:
    """Whether a rule of a step reads the value of operand ``k``; a rule of a sum reads none, for example."""
    if prim.compose is not None or prim.joint is not None or isinstance(value_of(ans), tuple):
        return False  # a fused operation saves what its backward needs, and packing results reads no operand
    now = [value_of(a) for a in args]
    if type(now[k]) is tuple:  # a tuple is an index, and every rule of indexing reads its index
        return True
    other, g = list(now), np.ones_like(value_of(ans))
    other[k] = ~now[k] if now[k].dtype.kind == "b" else now[k] + 1
    rules = [rule for i in argnums if (rule := rule_of(prim, i, "vjp")) is not None]
    try:
        return any(_octets(rule(g, ans, *now, **kwargs)) != _octets(rule(g, ans, *other, **kwargs)) for rule in rules)
    except (IndexError, ValueError):  # a rule that fails on the values there now, or on the changed ones, reads them
        return True


def _octets(x: Any) -> bytes:
    return np.asarray(value_of(x)).tobytes()


def name_of(
    x: Any, fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], taken: int | Sequence[int]
) -> str:
    """The name by which ``fun(*args, **kwargs)`` knows an array; "an array" if it is not found."""
    for place, known in _reachable(fun, args, kwargs, taken):
        if np.may_share_memory(known, x):
            return f"argument {place}" if isinstance(place, int) else repr(place)
    return "an array"


def _reachable(
    fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], taken: int | Sequence[int]
) -> list[tuple[int | str, Any]]:
    """The arguments and the variables that ``fun`` uses, as (name, value)."""
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
                except ValueError:  # the closure variable is not bound yet
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
