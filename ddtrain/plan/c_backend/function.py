"""What runs a lowered program: Python where it must be, and one call of C for all that lies between.

The function is generated as the Python backend's is. Values that C makes lie in the arena, always at the same place, so
Python's calls get them as constants; addresses of what Python brings are written into a table before C is called.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain.kernels.native import cache, compiler
from ddtrain.kernels.native.pointers import address
from ddtrain.plan.c_backend.lowering import Lowering, Unit
from ddtrain.plan.c_backend.memory import lay_out
from ddtrain.plan.c_backend.places import AddressOf, Block, layout, leaves, mapped
from ddtrain.plan.c_backend.source import Source
from ddtrain.plan.deliver import Sinks
from ddtrain.plan.program import Program, Slot
from ddtrain.plan.python_backend import PythonSource, variable

_FLAGS = ("-O2", "-ftree-vectorize", "-ffp-contract=off")


class NativeProgram:
    """A program in two halves, as functions.

    Attributes
    ----------
    first, second : the halves; the first is given the early inputs and returns results, then what is carried over; the
        second is given a list of that and the late inputs, and empties it
    carried : how many values are carried
    arena_bytes : memory of all arrays that C makes
    stretches : how many functions of C there are, one for all that lies between two calls from Python
    kinds : what became of each instruction, and its name; see :class:`~ddtrain.plan.c_backend.lowering.Unit`
    source : the generated C
    """

    def __init__(self, lowering: Lowering, at: str, late: Collection[Slot], fixed: Mapping[Slot, Any]) -> None:
        made = _Builder(lowering, at, late, fixed)
        # nothing of what was recorded is kept: its arrays would be as much memory again as the arena
        self.first, self.second, self.carried = made.first, made.second, made.carried
        self.arena_bytes, self.source, self._arena = made.arena_bytes, made.source, made.arena
        self.stretches = made.stretches
        self.kinds = [(unit.kind, unit.instruction.name) for unit in lowering.units]


class _Builder:
    """Makes the halves of a lowered program."""

    def __init__(self, lowering: Lowering, at: str, late: Collection[Slot], fixed: Mapping[Slot, Any]) -> None:
        self.lowering, self.units = lowering, lowering.units
        middle = next(i for i, unit in enumerate(self.units) if unit.instruction.name == at)
        self._needed = self._read_by_python(lowering.program)
        for slot, array in fixed.items():
            lowering.places[slot].block.fixed = array
        self.arena_bytes = self._lay_out(middle)
        room = np.empty(self.arena_bytes + 64, np.uint8)
        start = -address(room) % 64  # type: ignore[operator]
        self.arena = room[start : start + self.arena_bytes]
        self.static = {slot: mapped(value, self._in_arena) for slot, value in lowering.static.items()}
        self._source, self._tables = Source(), _Tables()
        program = lowering.program
        early = [slot for slot in program.inputs if slot not in late]
        python_later = {slot for unit in self.units[middle + 1 :] for slot in self._python_reads(unit)}
        made_later = {s for unit in self.units[middle + 1 :] for s in unit.instruction.outputs if s is not None}
        # what C reads later by its address must live as long
        held = {slot for slot in lowering.python if self._holds(slot, self.units[middle + 1 :])}
        carried = sorted((python_later | held) - made_later - set(late) - self.static.keys())
        self.carried = len(carried)
        copies, returned = len(program.outputs), [*program.outputs, *carried]
        first = self._half("first", early, self.units[:middle], returned, copies=copies)
        second = self._half("second", [*carried, *late], self.units[middle + 1 :], [], consumes=True)
        self.source, self.stretches = self._source.text(), len(self._source.parts)
        self._tables.fill(self._source, self._load(), self.arena)
        self.first, self.second = first.function(), second.function()

    def _read_by_python(self, program: Program) -> set[Slot]:
        """The slots whose values Python needs, with those of which these are views."""
        needed = {out for out in program.outputs if type(out) is Slot}
        for unit in reversed(self.units):
            made = {slot for slot in unit.instruction.outputs if slot is not None}
            if unit.kind == "python" or (unit.kind == "view" and made & needed):
                needed |= set(unit.instruction.reads)
        return needed

    def _python_reads(self, unit: Unit) -> set[Slot]:
        if unit.kind == "python" or (unit.kind == "view" and self._emits(unit)):
            return set(unit.instruction.reads)
        return set()

    def _emits(self, unit: Unit) -> bool:
        """Whether Python must make this view, because it needs it and it is one of what Python brings."""
        made = {slot for slot in unit.instruction.outputs if slot is not None}
        return bool(made & self._needed - self.lowering.static.keys())

    def _lay_out(self, middle: int) -> int:
        """Times of use, then the arena: loops that may become one pass are at one time."""
        time, before = 0, ""
        blocks: dict[Block, None] = {}
        used: list[tuple[Block, int]] = []
        for number, unit in enumerate(self.units):
            if not (unit.kind == before == "loop") and unit.kind != "view":
                time += 1
                before = unit.kind
            used += [(block, time) for block in (*unit.reads, *unit.writes)]
            if number == middle:
                used += [(block, time) for out in self.lowering.program.outputs for block in self._blocks_of(out)]
        end = time + 1
        for unit in self.units:
            if unit.kind == "python":  # it may keep a view of what it is given
                used += [(block, end) for slot in unit.instruction.reads for block in self._blocks_of(slot)]
        for block, at in used:
            if block.in_arena:
                blocks[block] = None
                block.first = at if block.first < 0 else min(block.first, at)
                block.last = max(block.last, at)
        return lay_out(list(blocks))

    def _blocks_of(self, slot: Any) -> list[Block]:
        if type(slot) is not Slot or slot not in self.lowering.static:
            return []
        places = [self.lowering.registry.find(array) for array in leaves(self.lowering.static[slot])]
        return [place.block for place in places if place is not None]

    def _in_arena(self, array: Any) -> Any:
        place = self.lowering.registry.find(array)
        if place is None or not place.block.in_arena:
            return array
        return np.ndarray(array.shape, array.dtype, self.arena, place.block.offset + place.offset, array.strides)

    def _half(
        self,
        name: str,
        inputs: Sequence[Slot],
        units: Sequence[Unit],
        outputs: Sequence[Any],
        copies: int = 0,
        consumes: bool = False,
    ) -> _Half:
        half = _Half(self.lowering.program, name, inputs, consumes, self._tables)
        half.static = self.static
        sinks = next((unit.instruction.args[0] for unit in units if unit.kind == "delivery"), None)
        if sinks is not None:
            targets = [(unit.instruction.args[1], unit.target.block) for unit in units if unit.kind == "delivery"]  # type: ignore[union-attr]
            half.bind(sinks, targets, self._tables, self._source)
        for slot in inputs:
            self._announce(half, slot)
        waiting: list[Unit] = []
        for unit in units:
            if unit.kind == "python" or (unit.kind == "view" and self._emits(unit)):
                self._flush(half, waiting)
                half.call(unit.instruction)
                for made in unit.instruction.outputs:
                    if made is not None and unit.kind == "python":
                        self._announce(half, made)
                continue
            waiting.append(unit)
            if unit.kind == "delivery" and self._completes(unit):
                self._flush(half, waiting)
        self._flush(half, waiting)
        half.end(outputs, copies)
        return half

    def _completes(self, unit: Unit) -> bool:
        sinks = self.lowering.sinks
        return sinks is not None and sinks.completes(unit.instruction.args[1])

    def _announce(self, half: _Half, slot: Slot) -> None:
        """Write the address of what Python brings into the table, where C reads it; views of it have none of theirs."""
        place = self.lowering.places.get(slot) if slot in self.lowering.python else None
        if place is not None and place.block.fixed is None and self._read_by_c(place.block, self.units):
            index = self._source.blocks.setdefault(place.block, len(self._source.blocks))
            half.announce(slot, index, layout(self.lowering.values[slot]))

    def _read_by_c(self, block: Block, units: Sequence[Unit]) -> bool:
        return any(block in unit.reads for unit in units if unit.kind != "python")

    def _holds(self, slot: Slot, units: Sequence[Unit]) -> bool:
        """Whether C reads, in some units, what Python has put into a slot."""
        place = self.lowering.places.get(slot)
        return place is not None and self._read_by_c(place.block, units)

    def _flush(self, half: _Half, waiting: list[Unit]) -> None:
        """End a stretch of C: its function, its call, and what is told after it."""
        if any(unit.kind != "view" for unit in waiting):
            name = f"stretch{len(self._source.parts)}"
            self._source.stretch(name, waiting)
            half.stretch(name)
            delivered = [unit.instruction.args[:2] for unit in waiting if unit.kind == "delivery"]
            if delivered:
                half.ready(delivered[0][0], [i for _, i in delivered])
        waiting.clear()

    def _load(self) -> ctypes.CDLL:
        """The library of the generated source, from the cache or compiled."""
        words = tuple(compiler.command())
        parts = (self.source, compiler.identity(words), compiler.machine(), " ".join(_FLAGS))
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

        def make(path: Path) -> dict[str, Any]:
            written = path.with_suffix(".c")
            written.write_text(self.source)
            compiler.compile_library(written, path, path.parent, (), _FLAGS)
            return {}

        path, _ = cache.fetch(f"plan-{digest}", make)
        try:
            return ctypes.CDLL(str(path))
        except OSError as error:
            raise compiler.CompilerError(f"what the compiler made of a plan cannot be loaded: {error}") from None


class _Tables:
    """The addresses that C is given, filled when all of the source is written."""

    def __init__(self) -> None:
        self.pointers: Any = None
        self.kept: list[Any] = []  # arrays whose addresses are in the table
        self.calls: dict[str, Callable[[], None]] = {}

    def fill(self, source: Source, library: ctypes.CDLL, arena: Any) -> None:
        """Make the tables, and bind the functions to them."""
        self.pointers = pointers = (ctypes.c_void_p * max(1, len(source.blocks)))()
        start = address(arena) or 0
        for block, index in source.blocks.items():
            if block.in_arena:
                pointers[index] = start + block.offset
            elif block.fixed is not None:
                pointers[index] = address(block.fixed)
        self.kept = [block.fixed for block in source.blocks if block.fixed is not None]
        functions = (ctypes.c_void_p * max(1, len(source.functions)))(*source.functions)
        integers = (ctypes.c_int64 * max(1, len(source.integers)))(*source.integers)
        for k in range(len(source.parts)):
            function = library[f"stretch{k}"]
            function.argtypes, function.restype = [ctypes.c_void_p] * 3, None
            tables = [ctypes.addressof(table) for table in (pointers, functions, integers)]
            self.calls[f"stretch{k}"] = _Stretch(function, tables, (pointers, functions, integers, self.kept))


class _Stretch:
    """A stretch of C, called without arguments."""

    __slots__ = ("_a", "_b", "_c", "_function", "_kept")

    def __init__(self, function: Any, tables: list[int], kept: Any) -> None:
        self._function, (self._a, self._b, self._c), self._kept = function, tables, kept

    def __call__(self) -> None:
        self._function(self._a, self._b, self._c)


class _Half(PythonSource):
    """The Python of one half."""

    static: Mapping[Slot, Any]

    def __init__(self, program: Program, name: str, inputs: Sequence[Slot], consumes: bool, tables: _Tables) -> None:
        super().__init__(program, name, inputs, consumes)
        self._tables = tables
        self._stretches: list[tuple[str, str]] = []  # the constant, and the function that it will be
        self._table = ""

    def bind(self, sinks: Slot, targets: list[tuple[int, Block]], tables: _Tables, source: Source) -> None:
        """Before all else: the addresses where gradients are to be, unless the sinks are those of the last call."""
        indices = [(i, source.blocks.setdefault(block, len(source.blocks))) for i, block in targets]
        last: list[Any] = [None]

        def bound(given: Sinks) -> None:
            if given is not last[0]:
                last[0] = given
                for i, index in indices:
                    tables.pointers[index] = address(given.target(i))

        self.line(f"{self.constant(bound)}({variable(sinks)})")

    def announce(self, slot: Slot, index: int, layout: Any) -> None:
        """Write a value's address into the table."""
        self._table = self._table or self.constant(self._tables)
        kind = self.program.kinds[slot]
        check = self.constant(AddressOf(kind, layout))
        self.line(f"{self._table}.pointers[{index}] = {check}({variable(slot)})")

    def stretch(self, name: str) -> None:
        """Call a stretch of C."""
        constant = self.constant(None)
        self._stretches.append((constant, name))
        self.line(f"{constant}()")

    def ready(self, sinks: Slot, gradients: Sequence[int]) -> None:
        """Say that some gradients are where they are to be."""
        self.line(f"{variable(sinks)}.ready({', '.join(map(str, gradients))})")

    def value(self, value: Any) -> str:
        if type(value) is Slot and value in self.static:
            return self.constant(self.static[value])
        return super().value(value)

    def end(self, outputs: Sequence[Any], copies: int) -> None:
        """Return results, copies of those that lie in the arena, and what is carried over."""
        texts = [
            f"{self.value(out)}.copy()" if i < copies and type(out) is Slot and out in self.static else self.value(out)
            for i, out in enumerate(outputs)
        ]
        self.line(f"return [{', '.join(texts)}]")

    def function(self) -> Callable[..., Any]:
        for constant, name in self._stretches:
            self.globals[constant] = self._tables.calls[name]
        return super().function()


def lower(
    program: Program,
    values: dict[Slot, Any],
    at: str,
    late: Collection[Slot],
    fixed: Mapping[Slot, Any] | None = None,
    sinks: Sinks | None = None,
    alone: bool = True,
) -> NativeProgram | None:
    """The program in C, in two halves; None where nothing of it can be.

    Parameters
    ----------
    values : of all slots, from a recording that kept them; taken over, see :class:`Lowering`
    at : name of the instruction where the second half begins
    late : inputs that only the second half is given
    fixed : inputs that are the same arrays in every call
    sinks : where gradients go
    alone : whether no other rank or shard takes part in the program

    Raises
    ------
    CompilerError, CacheError : there is no compiler, or no place for what it makes
    """
    lowering = Lowering(program, values, sinks, alone)
    if not any(unit.kind == "calls" for unit in lowering.units):
        return None
    return NativeProgram(lowering, at, late, fixed or {})
