"""A program: instructions over slots, each slot written once.

A slot is a place for a value: an input, or a result of an instruction. Instructions stand in an order in which they can
be run, and the program is one straight line: no branches, no loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from ddtrain.errors import DdtrainError


class Slot(int):
    """The number of a value in a program; ``%7`` where it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"%{int(self)}"

    __str__ = __repr__


class Kind(NamedTuple):
    """Shape and dtype of an array.

    >>> str(kind_of(np.zeros((2, 3), np.float32)))
    'float32[2, 3]'
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


def kind_of(value: Any) -> Kind | None:
    """The kind of an array; None of anything else."""
    return Kind(value.shape, value.dtype) if isinstance(value, np.ndarray) else None


@dataclass(eq=False, slots=True)
class Instruction:
    """One call.

    Attributes
    ----------
    name : of the operation
    function : what is called, on plain values
    args : slots, and constants
    kwargs : constants alone
    outputs : the slots of the results; None for one that nobody can read
    several : whether the function returns a sequence, with an entry for each output, or one value
    effect : whether it does something besides its results, so that it stays though nobody reads them
    line : where in the user's code it comes from
    layer : in which layer of the model
    recomputed : whether it repeats a part of the forward pass to save memory
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outputs: tuple[Slot | None, ...]
    several: bool = False
    effect: bool = False
    line: str = ""
    layer: str = ""
    recomputed: bool = False

    def reading(self, stands_for: Mapping[Slot, Slot]) -> Instruction:
        """The same instruction, reading other slots in the place of some."""
        if stands_for.keys().isdisjoint(self.reads):
            return self
        return replace(self, args=tuple(stands_for.get(a, a) if type(a) is Slot else a for a in self.args))

    @property
    def reads(self) -> Iterator[Slot]:
        """The slots among the arguments."""
        return (a for a in self.args if type(a) is Slot)

    def describe(self, kinds: Mapping[Slot, Kind | None]) -> str:
        """The instruction in a line."""
        results = ", ".join(f"{slot}: {kinds.get(slot) or '-'}" if slot is not None else "_" for slot in self.outputs)
        args = ", ".join([*(_short(a) for a in self.args), *(f"{k}={_short(v)}" for k, v in self.kwargs.items())])
        place = "  # " + " ".join(part for part in (self.layer, self.line) if part) if self.layer or self.line else ""
        return f"{results + ' = ' if results else ''}{self.name}({args}){place}"


@dataclass(eq=False)
class Program:
    """What a function did.

    Attributes
    ----------
    inputs : the slots of what it is given, in order
    instructions : in order
    outputs : what it returns: slots, and constants
    kinds : of every slot that holds an array
    names : what inputs are called

    >>> from ddtrain.plan import Recorder
    >>> import ddtrain.numpy as dnp
    >>> recorder = Recorder()
    >>> x = recorder.input(np.ones(3), "x")
    >>> print(recorder.finish([dnp.sum(x * 2.0)]).describe())
    %0: float64[3]                 input x
    %1: float64[3] = multiply(%0, 2.0)  # ...
    %2: float64[] = sum(%1)  # ...
    return %2
    """

    inputs: list[Slot]
    instructions: list[Instruction]
    outputs: list[Any]
    kinds: dict[Slot, Kind | None]
    names: dict[Slot, str] = field(default_factory=dict)

    def describe(self) -> str:
        """The program as text, a line an instruction, with shapes, dtypes, layers and lines of the user's code."""
        lines = [f"{self._typed(slot):<30} input {self.names.get(slot, '')}" for slot in self.inputs]
        lines += [instruction.describe(self.kinds) for instruction in self.instructions]
        return "\n".join([*lines, f"return {', '.join(_short(out) for out in self.outputs)}"])

    def _typed(self, slot: Slot) -> str:
        return f"{slot}: {self.kinds.get(slot) or '-'}"

    @property
    def communicates(self) -> bool:
        """Whether an instruction exchanges something with other ranks or shards."""
        return any(getattr(instruction.function, "communicates", False) for instruction in self.instructions)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays that are written down, each for itself."""
        return sum(math.prod(kind.shape) * kind.dtype.itemsize for kind in self.kinds.values() if kind is not None)

    def check(self, inputs: Sequence[Any]) -> None:
        """Run every instruction by itself and compare what it gives with what was written down.

        Parameters
        ----------
        inputs : values of the kinds that the program takes

        Raises
        ------
        PlanError : an instruction reads a slot that nothing has written, writes one twice, or gives another shape or
            dtype than the program says
        """
        values: dict[Slot, Any] = dict(zip(self.inputs, inputs, strict=True))
        for number, instruction in enumerate(self.instructions):
            where = f"plan: instruction {number}, {instruction.name},"
            for slot in instruction.reads:
                if slot not in values:
                    raise PlanError(f"{where} reads {slot}, which nothing has written")
            args = [values[a] if type(a) is Slot else a for a in instruction.args]
            results = instruction.function(*args, **instruction.kwargs)
            if not instruction.outputs:
                continue  # called for what it does
            for out, value in zip(instruction.outputs, results if instruction.several else (results,), strict=True):
                if out is None:
                    continue
                kind = self.kinds.get(out)
                if out in values:
                    raise PlanError(f"{where} writes {out} a second time")
                values[out] = np.asarray(value) if kind else value
                if kind_of(values[out]) != kind:
                    raise PlanError(f"{where} gives {kind_of(value)} where {kind} was written down")

    def split(self, at: str, late: Collection[Slot]) -> tuple[Program, Program, int]:
        """The program in two, of which the second begins at the instruction named ``at``, which neither has.

        Parameters
        ----------
        late : the inputs that only the second part is given

        Returns
        -------
        The first part, which returns what the program does, and then what it carries over to the second; the second
        part, which is given that, and then ``late``; and how many values are carried.
        """
        middle = next(i for i, instruction in enumerate(self.instructions) if instruction.name == at)
        first, second = self.instructions[:middle], self.instructions[middle + 1 :]
        written = {slot for instruction in second for slot in instruction.outputs if slot is not None}
        carried = sorted({slot for instruction in second for slot in instruction.reads} - written - set(late))
        early = [slot for slot in self.inputs if slot not in late]
        return (
            replace(self, inputs=early, instructions=first, outputs=[*self.outputs, *carried]),
            replace(self, inputs=[*carried, *late], instructions=second, outputs=[]),
            len(carried),
        )

    def last_uses(self) -> list[list[Slot]]:
        """For each instruction the slots that nobody reads after it."""
        kept = {out for out in self.outputs if type(out) is Slot}
        dying: list[list[Slot]] = []
        for instruction in reversed(self.instructions):
            here: set[Slot] = {slot for slot in instruction.outputs if slot is not None} | set(instruction.reads)
            dying.append(sorted(here - kept))
            kept |= here
        return dying[::-1]


class PlanError(DdtrainError):
    """A function cannot be recorded, or a program is not what it should be."""


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{kind_of(value)}>"
    if isinstance(value, tuple | list) and len(value) <= 8:
        inside = ", ".join(_short(v) for v in value)
        return f"({inside}{',' if len(value) == 1 else ''})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, tuple | list | dict):  # whose repr may be that of many arrays
        return f"<{type(value).__name__} of {len(value)}>"
    text = repr(value)
    return text if len(text) <= 40 else f"<{type(value).__name__}>"
