"""The trace that writes a program down: what every operation was called with, and where that came from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import BOXES, Primitive, Trace
from ddtrain.autodiff.core.boxes import box
from ddtrain.autodiff.core.fused import Recorded
from ddtrain.autodiff.operators.recomputation import running_again
from ddtrain.current_layer import LAYER
from ddtrain.errors import DdtrainError
from ddtrain.plan.program import Instruction, Kind, PlanError, Program, Slot, kind_of
from ddtrain.user_lines import calling_line


class Recorder(Trace):
    """Runs what it is shown, and writes it down. The node of a box is its slot.

    Parameters
    ----------
    keeps : hold on to the value of every slot, for :func:`~ddtrain.plan.c_backend.lower`

    Attributes
    ----------
    refused : why there can be no plan; empty while there can
    values : of the slots, where they are kept

    >>> import ddtrain.numpy as dnp
    >>> recorder = Recorder()
    >>> x = recorder.input(np.array([1.0, 2.0]), "x")
    >>> program = recorder.finish([dnp.exp(x)])
    >>> [instruction.name for instruction in program.instructions]
    ['exp']
    """

    __slots__ = ("inputs", "instructions", "keeps", "kinds", "names", "refused", "values")
    sees_constants = True
    records = True

    def __init__(self, keeps: bool = False) -> None:
        super().__init__()
        self.keeps, self.values = keeps, dict[Slot, Any]()
        self.inputs: list[Slot] = []
        self.instructions: list[Instruction] = []
        self.kinds: dict[Slot, Kind | None] = {}
        self.names: dict[Slot, str] = {}
        self.refused = ""

    def input(self, value: Any, name: str) -> Any:
        """A box for an array that differs from call to call."""
        return box(value, self, self._input(value, name))

    def handle(self, value: Any, name: str) -> Recorded:
        """An input that is no array, to be passed to :meth:`call`."""
        return Recorded(self, self._input(value, name), value)

    def _input(self, value: Any, name: str) -> Slot:
        slot = self._slot(value)
        self.inputs.append(slot)
        self.names[slot] = name
        return slot

    def finish(self, outputs: Sequence[Any]) -> Program:
        """The program, given what the function returned: boxes of this trace, and constants.

        Raises
        ------
        PlanError : the function did what cannot be repeated
        """
        if self.refused:
            raise PlanError(self.refused)
        returned = [out.node if self._is_mine(out) else out for out in outputs]
        return Program(self.inputs, self.instructions, returned, self.kinds, self.names)

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[Slot],
    ) -> Slot:
        if self.records and _shaped_by_values(prim.__name__, args, argnums):
            self.asked(f"asks for {prim.__name__}, which gives as many entries as there happen to be")
        slots = list(args)
        for i, slot in zip(argnums, nodes, strict=True):
            slots[i] = slot
        result = self._slot(ans)
        self._write(prim.__name__, prim.raw, slots, kwargs, (result,))
        return result

    def forward(self, prim: Primitive, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """Run a fused operation's kernels on boxes of this trace: its result, boxed, and what it saved."""
        ans, saved = prim.raw(*self._values(args), **kwargs)
        ans = ans if type(ans) is tuple else np.asarray(ans) if np.isscalar(ans) else ans
        slots = self._slot(ans), self._slot(saved)
        self._write(prim.__name__, prim.raw, self._slots(args), kwargs, slots, several=True)
        return box(ans, self, slots[0]), Recorded(self, slots[1], saved)

    def backward(
        self, prim: Primitive, needs: Sequence[int], g: Any, saved: Recorded, args: Sequence[Any], kwargs: Any
    ) -> list[Any]:
        """Run a fused operation's backward kernels: a cotangent, boxed, or None for each position in ``needs``."""
        cotangents = prim.backward(needs, *self._values([g]), saved.value, *self._values(args), **kwargs)
        slots = [None if c is None else self._slot(c) for c in cotangents]
        called = [tuple(needs), *self._slots([g]), saved.slot, *self._slots(args)]
        self._write(f"{prim.__name__}_backward", prim.backward, called, kwargs, tuple(slots), several=True)
        return [None if c is None else box(c, self, slot) for c, slot in zip(cotangents, slots, strict=True)]

    def call(self, name: str, function: Callable[..., Any], *args: Any, effect: bool = False) -> Any:
        """Call a plain function, write it down, and box its result; with ``effect``, for what it does alone."""
        result = function(*self._values(args))
        if effect:
            self._write(name, function, self._slots(args), {}, (), effect=True)
            return result
        slot = self._slot(result)
        self._write(name, function, self._slots(args), {}, (slot,))
        return box(result, self, slot)

    def asked(self, what: str) -> None:
        """Python asked for the value of a box: what it made of the answer would be frozen, so there is no plan."""
        self.refused = self.refused or f"{calling_line(sys._getframe(1)) or 'the function'} {what}"

    def _write(
        self, name: str, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], outputs: Any, **more: Any
    ) -> None:
        for a in args:
            if type(a) in BOXES or (type(a) in (list, tuple) and any(type(part) in BOXES for part in a)):
                raise PlanError(
                    f"{name}: a traced value stands where a plan has a constant",
                    remedy="Pass traced values by position, each by itself.",
                )
        line = calling_line(sys._getframe(2))
        self.instructions.append(
            Instruction(
                name,
                function,
                tuple(args),
                kwargs,
                outputs,
                line=line,
                layer=LAYER.get(),
                recomputed=running_again(),
                **more,
            )
        )

    def _slot(self, value: Any) -> Slot:
        slot = Slot(len(self.kinds))
        if self.keeps:
            self.values[slot] = np.asarray(value) if np.isscalar(value) else value
        self.kinds[slot] = kind_of(np.asarray(value) if np.isscalar(value) else value)
        return slot

    def _is_mine(self, x: Any) -> bool:
        return type(x) in BOXES and x._trace is self

    def _values(self, args: Sequence[Any]) -> list[Any]:
        return [a.value if self._is_mine(a) or type(a) is Recorded else a for a in args]

    def _slots(self, args: Sequence[Any]) -> list[Any]:
        return [a.node if self._is_mine(a) else a.slot if type(a) is Recorded else a for a in args]


def _shaped_by_values(name: str, args: Sequence[Any], argnums: Sequence[int]) -> bool:
    """Whether the shape of a result depends on the values of traced arguments, which a plan takes for fixed."""
    if name in ("argwhere", "flatnonzero"):
        return True
    return name in ("getitem", "getitem_by_parts") and any(np.asarray(args[i]).dtype == bool for i in argnums if i)


def could_be_the_recorder(error: BaseException) -> bool:
    """Whether an error while recording may come from boxes that stand for plain arrays, and would not be there without.

    Boxes refuse what derivatives cannot follow (``float(x)``, writing into x), which is right for plain arrays; and
    NumPy and Python, asked to do with a box what only a plain array can, raise whatever they like. What this package
    says of values, ranks and data is no such error.
    """
    refusals = PlanError, AttributeError, TypeError
    return not isinstance(error, DdtrainError) or isinstance(error, refusals) or "traced" in str(error)
