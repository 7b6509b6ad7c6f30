"""From instructions to units: calls of compiled functions, loops, views, deliveries, and calls of Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddtrain.kernels.capture import Heard, capture
from ddtrain.kernels.native.library import Function
from ddtrain.kernels.native.pointers import forget_entries
from ddtrain.plan.c_backend import elementwise
from ddtrain.plan.c_backend.moves import Move, moves
from ddtrain.plan.c_backend.places import Block, Place, Registry, address, is_plain, leaves, mapped, span_of
from ddtrain.plan.deliver import Sinks, deliver
from ddtrain.plan.program import Instruction, Program, Slot

_OURS = ("numpy", "ddtrain")
_PIECE = 1 << 16  # entries of which so many random numbers are drawn at a time


@dataclass(eq=False)
class Call:
    """A call of a compiled function: places where it takes pointers, None for a null pointer, and numbers."""

    function: Function
    args: list[Any]


@dataclass(eq=False)
class Unit:
    """What becomes of one instruction.

    Attributes
    ----------
    kind : "calls" of compiled functions, a "loop" of arithmetic, "copies" of entries, a "view" that costs nothing, a
        "delivery" of a gradient, or a call of "python"
    reads, writes : the blocks that it touches, as far as C does it
    """

    kind: str
    instruction: Instruction
    calls: list[Call] = field(default_factory=list)
    loop: elementwise.Loop | None = None
    copies: list[tuple[Place | None, Place | None, Move]] = field(default_factory=list)
    zeroed: int = 0  # bytes of the target that are 0 before the copies
    source: Place | None = None  # of a delivery: where the gradient lies, and where it is to be
    target: Place | None = None
    nbytes: int = 0
    reads: list[Block] = field(default_factory=list)
    writes: list[Block] = field(default_factory=list)


class Lowering:
    """Lowers a program whose values were kept.

    Parameters
    ----------
    values : of all slots, from one recording; taken over, as an array that was recorded is let go when one that C
        fills stands in its place
    sinks : where gradients go; without any, they go there by calls of Python
    alone : whether no other rank or shard takes part, so that what communicates may be tried

    Attributes
    ----------
    units : one an instruction, in order
    places : of slots that hold one array, wherever it lies
    python : the slots whose value is made by Python in every call
    static : what slots hold that C fills: the recorded value, its arrays to be exchanged for those of the arena
    """

    def __init__(
        self, program: Program, values: dict[Slot, Any], sinks: Sinks | None = None, alone: bool = True
    ) -> None:
        self.program, self.values, self.alone = program, values, alone
        self.sinks = sinks if hasattr(sinks, "target") else None
        self._only_python: set[Instruction] = set()
        while not self._lower():
            pass  # a cell that Python reads must be filled by Python: once more, with its instructions left to it

    def _lower(self) -> bool:
        self.registry = Registry()
        self.units: list[Unit] = []
        self.places: dict[Slot, Place] = {}
        self.python: set[Slot] = set()
        self.static: dict[Slot, Any] = {}
        for slot in self.program.inputs:
            self._outer(slot, self.values[slot])
        for instruction in self.program.instructions:
            self.units.append(self._unit(instruction))
        cells: dict[int, set[str]] = {}
        for unit in self.units:
            for a in unit.instruction.args:
                if getattr(a, "is_cell", False):
                    cells.setdefault(id(a), set()).add(unit.kind)
        mixed = {key for key, kinds in cells.items() if "python" in kinds and len(kinds) > 1}
        if not mixed:
            return True
        self._only_python.update(
            unit.instruction for unit in self.units if any(id(a) in mixed for a in unit.instruction.args)
        )
        return False

    def _outer(self, slot: Slot, value: Any) -> None:
        """A value that Python brings: its arrays lie elsewhere in every call."""
        self.python.add(slot)
        if isinstance(value, np.ndarray):
            start, end = span_of(value)
            if start == address(value):  # not one that runs backwards
                self.places[slot] = place = Place(Block(end - start), 0)
                self.registry.add(value, place)

    def _unit(self, instruction: Instruction) -> Unit:
        if instruction.function is deliver:
            return self._delivery(instruction)
        if instruction not in self._only_python and self._may_be_tried(instruction):
            unit = self._loop(instruction) or self._heard(instruction) or self._moved(instruction)
            if unit is not None:
                return unit
        for slot in instruction.outputs:
            if slot is not None:
                self._outer(slot, self.values[slot])
        return Unit("python", instruction)

    def _may_be_tried(self, instruction: Instruction) -> bool:
        """Whether running it once more has no effect on anyone, and all arrays that it touches can be seen."""
        module = getattr(instruction.function, "__module__", None) or "numpy"
        if instruction.effect or module.partition(".")[0] not in _OURS:
            return False
        if getattr(instruction.function, "communicates", False) and not self.alone:
            return False
        for a in (*instruction.args, *instruction.kwargs.values()):
            if type(a) is Slot:
                value = self.values[a]
                if not is_plain(value):
                    return False
                if a in self.python and a not in self.places and any(True for _ in leaves(value)):
                    return False  # arrays in a structure that Python makes anew
            elif not is_plain(a) and not getattr(a, "is_cell", False):
                return False
        return True

    def _args(self, instruction: Instruction) -> list[Any]:
        return [self.values[a] if type(a) is Slot else a for a in instruction.args]

    def _loop(self, instruction: Instruction) -> Unit | None:
        args = self._args(instruction)
        (slot, *more) = instruction.outputs
        if slot is None or more or not elementwise.takes(instruction.name, args, instruction.kwargs, self.values[slot]):
            return None
        operands = [self._place(a) if isinstance(a, np.ndarray) else a for a in args]
        if any(isinstance(a, np.ndarray) and place is None for a, place in zip(args, operands, strict=True)):
            return None
        result = np.empty(self.values[slot].shape, self.values[slot].dtype)
        place = self._fresh(result)
        self._fill(slot, result)
        loop = elementwise.Loop(instruction.name, place, operands, result, args)
        reads = [operand.block for operand in operands if isinstance(operand, Place)]
        return Unit("loop", instruction, loop=loop, reads=reads, writes=[place.block])

    def _moved(self, instruction: Instruction) -> Unit | None:
        """The unit of an operation that only copies entries, to where they are wanted."""
        (slot, *more) = instruction.outputs
        if slot is None or more or instruction.kwargs:
            return None
        found = moves(instruction.name, self._args(instruction), self.values[slot])
        if found is None:
            return None
        made, copies, zeroed = found
        sources = [self._place(move.source) for move in copies]
        if any(place is None or move.source.dtype != made.dtype for move, place in zip(copies, sources, strict=True)):
            return None
        target = self._fresh(made)
        self._fill(slot, made)
        places = [(self._place(move.target), source, move) for move, source in zip(copies, sources, strict=True)]
        reads = [place.block for place in sources if place is not None]
        return Unit(
            "copies",
            instruction,
            copies=places,
            zeroed=made.nbytes * zeroed,
            target=target,
            reads=reads,
            writes=[target.block],
        )

    def _heard(self, instruction: Instruction) -> Unit | None:
        """The unit of what was heard when the instruction ran, if that is all that it does."""
        args = self._args(instruction)
        try:
            with capture() as heard:
                found = instruction.function(*args, **instruction.kwargs)
        except Exception:  # it has run before, so this is no fault of the user's
            return None
        results = list(found) if instruction.several else [found]
        if len(results) != len(instruction.outputs) or not all(map(is_plain, results)):
            return None
        if any(map(_has_number, results)):
            return None  # made by NumPy, of values
        fresh = Registry()
        blocks = self._made_by(heard, results, fresh)
        lowered = None if blocks is None else self._lowered(heard, fresh)
        if blocks is None or lowered is None:
            return None
        calls, temporaries = lowered
        cells = [(a, dict(vars(a))) for a in instruction.args if getattr(a, "is_cell", False)]
        for array, place in fresh.known():
            if place.block in blocks:
                forget_entries(array)  # others are tried, and all that counts is where it lies
        # what it gives is where the cell's contents lie, whatever those are
        reads_cell = bool(cells) and not heard.calls
        if not reads_cell and not self._repeats(instruction, args, calls, results, fresh):
            return None
        for cell, filled in cells:  # what it was filled with first, which lies in the places that are known
            vars(cell).update(filled)
        for array, place in fresh.known():
            self.registry.add(array, place)
        for slot, result in zip(instruction.outputs, results, strict=True):
            if slot is not None:
                self._fill(slot, result)
        known = [a.block for call in calls for a in call.args if isinstance(a, Place)]
        return Unit("calls" if heard.calls else "view", instruction, calls, reads=known, writes=[*blocks, *temporaries])

    def _made_by(self, heard: Heard, results: list[Any], fresh: Registry) -> list[Block] | None:
        """Blocks for the new arrays among the results; None where one was not written by what was heard."""
        written = [array for _, given in heard.calls for array in given if isinstance(array, np.ndarray)]
        blocks: list[Block] = []
        for array in (array for result in results for array in leaves(result)):
            if self._place(array) is None and fresh.find(array) is None:
                owner = _owner(array)
                if owner is None or not any(_overlap(owner, other) for other in written):
                    return None  # made by NumPy
                blocks.append(Block(owner.nbytes, in_arena=True))
                fresh.add(owner, Place(blocks[-1], 0))
        return blocks

    def _lowered(self, heard: Heard, fresh: Registry) -> tuple[list[Call], list[Block]] | None:
        """What was heard with places for arrays, and the blocks of its work space; None where an array has no owner."""
        calls: list[Call] = []
        temporaries: list[Block] = []
        for function, given in heard.calls:
            places = list(given)
            for k, a in enumerate(given):
                if not isinstance(a, np.ndarray):
                    continue
                place = fresh.find(a) or self._place(a)
                if place is None:
                    owner = _owner(a)
                    if owner is None:
                        return None
                    if any(owner is room for room in heard.scratch):
                        temporaries.append(block := Block(owner.nbytes, in_arena=True))
                    else:  # a table that the kernel keeps, the same for all values
                        block = Block(owner.nbytes, fixed=owner)
                    fresh.add(owner, Place(block, 0))
                    place = fresh.find(a)
                places[k] = place
            calls.append(Call(function, places))
        return calls, temporaries

    def _repeats(
        self, instruction: Instruction, args: list[Any], calls: Sequence[Call], results: list[Any], fresh: Registry
    ) -> bool:
        """Whether the calls alone, on other values, give what the operation gives (Note [Lowering by listening])."""
        generator = np.random.default_rng(0)
        others: dict[Block, Any] = {}  # the memory that stands for a block in this trial

        def other(array: Any) -> Any:
            place = self._place(array)
            if place is None:
                return array  # a constant
            room = others.get(place.block)
            if room is None:
                room = others[place.block] = np.zeros(place.block.nbytes, np.uint8)
            at = np.ndarray(array.shape, array.dtype, room, place.offset, array.strides)
            _vary(array, at, generator)
            return at

        try:
            changed = [mapped(a, other) for a in args]
            expected = instruction.function(*changed, **instruction.kwargs)
        except Exception:  # values that it refuses
            return False
        for block in {a.block for call in calls for a in call.args if isinstance(a, Place)}:
            if block not in others:
                others[block] = np.full(block.nbytes, 0x55, np.uint8) if block.fixed is None else block.fixed
        for call in calls:
            call.function(
                *[(address(others[a.block]) or 0) + a.offset if isinstance(a, Place) else a for a in call.args]
            )
        for result, wanted in zip(results, list(expected) if instruction.several else [expected], strict=True):
            if not _like(result, wanted):
                return False
            for array, good in zip(leaves(result), leaves(wanted), strict=True):
                place = fresh.find(array) or self._place(array)
                if place is None or place.block not in others:
                    return False
                mine = np.ndarray(array.shape, array.dtype, others[place.block], place.offset, array.strides)
                if mine.shape != good.shape or not _same_bits(mine, good):
                    return False
        return True

    def _delivery(self, instruction: Instruction) -> Unit:
        g = instruction.args[2]
        place = self.places.get(g) if type(g) is Slot else None
        wanted = self.sinks.target(instruction.args[1]) if self.sinks is not None else None
        if place is None or wanted is None or not _copies(self.values[g], wanted):
            return Unit("python", instruction)
        target = Place(Block(wanted.nbytes), 0)
        return Unit("delivery", instruction, source=place, target=target, nbytes=wanted.nbytes, reads=[place.block])

    def _fresh(self, array: Any) -> Place:
        place = Place(Block(array.nbytes, in_arena=True), 0)
        self.registry.add(array, place)
        return place

    def _fill(self, slot: Slot, result: Any) -> None:
        """A slot whose value C makes."""
        self.values[slot] = self.static[slot] = result
        if isinstance(result, np.ndarray):
            place = self._place(result)
            assert place is not None, "it was found before"
            self.places[slot] = place
            if any(s in self.python and p.block is place.block for s, p in self.places.items()):
                self.static.pop(slot)  # a view of what Python brings

    def _place(self, array: Any) -> Place | None:
        return self.registry.find(array)


def _copies(array: Any, target: Any) -> bool:
    """Whether copying an array into a target is copying its bytes."""
    alike = array.dtype == target.dtype and array.shape == target.shape
    return bool(alike and array.flags.c_contiguous and target.flags.c_contiguous)


def _owner(array: Any) -> Any:
    """The array that owns the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array if array.base is None else None


def _overlap(one: Any, other: Any) -> bool:
    return bool(np.may_share_memory(one, other))


def _has_number(value: Any) -> bool:
    """Whether a number of NumPy's is in a result: unlike an array it has no place that C could fill."""
    return isinstance(value, np.generic) or (isinstance(value, tuple | list) and any(map(_has_number, value)))


def _vary(array: Any, target: Any, generator: np.random.Generator) -> None:
    """Fill another array with values such as an operation may meet in another step; of zeros every other one stays.

    Piece by piece, as large arrays leave no room for as many random numbers.
    """
    if array.dtype.kind != "f":
        target[...] = np.roll(array, 1, axis=0) if array.ndim else array == 0
    elif array.size <= _PIECE:
        noise = generator.random(array.shape, np.float32) / 2 + np.float32(0.75)
        target[...] = np.where(array == 0, noise * (noise < 1), array * noise)
    else:
        axis = int(np.argmax(array.shape))
        halves = [np.split(x, [array.shape[axis] // 2], axis) for x in (array, target)]
        for part, place in zip(*halves, strict=True):
            _vary(part, place, generator)


def _same_bits(one: Any, other: Any) -> bool:
    """Whether arrays of one shape and dtype are the same to the last bit, without a copy of either where it can be."""
    if one.dtype.itemsize not in (1, 2, 4, 8) or one.dtype.hasobject:
        return bool(one.tobytes() == other.tobytes())
    bits = f"u{one.dtype.itemsize}"
    return bool(np.array_equal(one.view(bits), other.view(bits)))


def _like(one: Any, other: Any) -> bool:
    """Whether two results are the same apart from the entries of their arrays."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.dtype == other.dtype
    if isinstance(one, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(_like, one, other))
    return bool(one is other or one == other)
