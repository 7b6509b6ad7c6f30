"""The generated C: a function for each stretch of units between two calls of Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddtrain.plan.c_backend.elementwise import FORMULAS, Loop
from ddtrain.plan.c_backend.lowering import Call, Unit
from ddtrain.plan.c_backend.places import Block, Place

HEAD = """\
#include <math.h>
#include <stdint.h>
#include <string.h>
#define ddtrain_sqrt(x) (sizeof(x) == 4 ? (float)sqrtf((float)(x)) : sqrt(x))
"""
_LETTERS = {"p": "void *", "n": "int64_t", "d": "double"}


@dataclass
class Source:
    """Writes C, and gathers what it refers to.

    The functions take ``p``, the addresses of blocks; ``f``, addresses of compiled functions; and ``n``, integers that
    are different in every process. So the text depends on the program alone, and its library is found in the cache.
    """

    blocks: dict[Block, int] = field(default_factory=dict)
    functions: dict[int, int] = field(default_factory=dict)  # address -> index
    integers: dict[int, int] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)

    def stretch(self, name: str, units: Sequence[Unit]) -> None:
        """Add the function of some units."""
        lines: list[str] = []
        waiting: list[Loop] = []  # loops over the same entries, to be one pass
        for unit in units:
            if unit.loop is not None:
                if waiting and not _go_together(waiting, unit.loop):
                    lines += self._loops(waiting)
                    waiting = []
                waiting.append(unit.loop)
                continue
            if unit.kind == "view":
                continue
            lines += self._loops(waiting)
            waiting = []
            lines += [self._call(call) for call in unit.calls]
            if unit.kind == "copies":
                lines += self._copies(unit)
            if unit.kind == "delivery":
                lines.append(self._copy(unit))
        lines += self._loops(waiting)
        body = "\n".join(f"  {line}" for line in lines)
        self.parts.append(f"void {name}(char **p, void **f, int64_t *n) {{\n{body}\n}}\n")

    def text(self) -> str:
        """The whole source."""
        return "\n".join([HEAD, *self.parts])

    def _call(self, call: Call) -> str:
        kinds = call.function.kinds
        signature = ", ".join(_LETTERS[kind] for kind in kinds)
        index = self.functions.setdefault(call.function.address or 0, len(self.functions))
        args = ", ".join(self._argument(kind, a) for kind, a in zip(kinds, call.args, strict=True))
        return f"((void (*)({signature}))f[{index}])({args});  /* {call.function.name} */"

    def _argument(self, kind: str, value: Any) -> str:
        if kind == "p":
            return self._pointer(value) if isinstance(value, Place) else "0"
        if kind == "n":
            value = int(value)
            if abs(value) < 1 << 40:
                return str(value)
            return f"n[{self.integers.setdefault(value, len(self.integers))}]"
        return _number(float(value))

    def _pointer(self, place: Place) -> str:
        index = self.blocks.setdefault(place.block, len(self.blocks))
        return f"(p[{index}] + {place.offset})" if place.offset else f"p[{index}]"

    def _copy(self, unit: Unit) -> str:
        assert unit.source is not None
        assert unit.target is not None
        return f"memcpy({self._pointer(unit.target)}, {self._pointer(unit.source)}, {unit.nbytes});"

    def _copies(self, unit: Unit) -> list[str]:
        """Nested loops over strides, of as few axes as describe them."""
        lines = []
        if unit.zeroed and unit.target is not None:
            lines.append(f"memset({self._pointer(unit.target)}, 0, {unit.zeroed});")
        for target, source, move in unit.copies:
            assert target is not None
            assert source is not None
            item = move.source.itemsize
            axes = _merged(move.source.shape, move.target.strides, move.source.strides)
            kind = {"f": "float", "d": "double"}.get(move.source.dtype.char, f"uint{8 * item}_t")
            lines.append(f"{{ char *t0 = {self._pointer(target)}; const char *s0 = {self._pointer(source)};")
            if axes and axes[-1][1:] == (item, item) and not move.adds_zero:
                *axes, (count, _, _) = axes
                inner = f"memcpy(t{len(axes)}, s{len(axes)}, {count * item});"
            else:
                zero = " + 0" if move.adds_zero else ""
                inner = f"*({kind} *)t{len(axes)} = *(const {kind} *)s{len(axes)}{zero};"
            for depth, (count, to, of) in enumerate(axes):
                lines.append(
                    f"for (int64_t i{depth} = 0; i{depth} < {count}; i{depth}++) {{ char *t{depth + 1} = t{depth} + "
                    f"i{depth} * {to}; const char *s{depth + 1} = s{depth} + i{depth} * {of};"
                )
            lines.append(inner + " }" * (len(axes) + 1))
        return lines

    def _loops(self, loops: Sequence[Loop]) -> list[str]:
        """One pass for operations over equally many entries of one dtype."""
        if not loops:
            return []
        real = "float" if loops[0].result.dtype.char == "f" else "double"
        inner = min(loop.inner for loop in loops)
        if any(loop.inner not in (inner, loop.result.size) for loop in loops):
            return [line for loop in loops for line in self._loops([loop])]
        size, names = loops[0].result.size, {}
        lines, body = [], []
        for k, loop in enumerate(loops):
            operands = []
            for j, (a, place) in enumerate(zip(loop.args, loop.operands, strict=True)):
                if not isinstance(a, np.ndarray):
                    operands.append(f"({real}){_number(float(a))}")
                    continue
                key = (place.block, place.offset, a.size)
                if key not in names:
                    at = "[0]" if a.size == 1 and size > 1 else "[j]" if a.size == inner < size else "[i]"
                    lines.append(f"const {real} *a{k}_{j} = (const {real} *){self._pointer(place)};")
                    names[key] = f"a{k}_{j}{at}"
                operands.append(names[key])
            lines.append(f"{real} *y{k} = ({real} *){self._pointer(loop.target)};")
            body.append(f"const {real} r{k} = {FORMULAS[loop.name].format(*operands)}; y{k}[i] = r{k};")
            names[loop.target.block, loop.target.offset, loop.result.size] = f"r{k}"
        if inner < size:
            head = f"for (int64_t o = 0, i = 0; o < {size // inner}; o++) for (int64_t j = 0; j < {inner}; j++, i++)"
        else:
            head = f"for (int64_t i = 0; i < {size}; i++)"
        return ["{", *lines, f"{head} {{ {' '.join(body)} }}", "}"]


def _go_together(loops: Sequence[Loop], loop: Loop) -> bool:
    """Whether a loop may join a pass: it is over the same entries, and reads of what the pass makes each entry's own.

    ``y + y[-1]`` reads a row that is not there before the pass that makes y has ended.
    """
    size, dtype = loop.result.size, loop.result.dtype
    made = {before.target.block: before.target.offset for before in loops}
    for a, place in zip(loop.args, loop.operands, strict=True):
        if isinstance(a, np.ndarray) and place.block in made and (place.offset, a.size) != (made[place.block], size):
            return False
    return bool(loops[0].result.size == size and loops[0].result.dtype == dtype)


def _merged(shape: Sequence[int], target: Sequence[int], source: Sequence[int]) -> list[tuple[int, int, int]]:
    """Axes as (entries, bytes apart in the target, in the source), those that follow each other as one.

    >>> _merged((2, 3, 4), (48, 16, 4), (96, 32, 8))
    [(24, 4, 8)]
    """
    axes: list[tuple[int, int, int]] = []
    for count, to, of in zip(shape, target, source, strict=True):
        if count == 1:
            continue
        if axes and axes[-1][1:] == (count * to, count * of):
            axes[-1] = (axes[-1][0] * count, to, of)
        else:
            axes.append((count, to, of))
    return axes


def _number(value: float) -> str:
    if value != value:
        return "NAN"
    if value in (float("inf"), float("-inf")):
        return "INFINITY" if value > 0 else "-INFINITY"
    return value.hex()
