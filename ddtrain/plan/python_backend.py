"""A program as one Python function: a line an instruction, no interpreter between them.

What runs is Python's own bytecode for ``v7 = f3(v5, v2)``, so an instruction costs what its call costs. A value is let
go right after its last reader, as the walk of a tape does.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.current_layer import use_layer
from ddtrain.errors import DdtrainError
from ddtrain.plan.program import Instruction, Program, Slot

_INLINE = (int, float, bool, type(None))  # constants that are written into the source as they are


def python_function(program: Program, name: str = "plan", consumes: bool = False) -> Callable[..., Any]:
    """The function that takes the program's inputs and returns the list of its outputs.

    Parameters
    ----------
    consumes : it takes all inputs in one list, which it empties, so that each can be let go after its last use

    >>> from ddtrain.plan import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.input(np.array([1.0, 2.0]), "x")
    >>> double = python_function(recorder.finish([x + x]))
    >>> double(np.array([5.0]))
    [array([10.])]
    """
    return _Source(program, name, consumes).function()


class _Source:
    def __init__(self, program: Program, name: str, consumes: bool) -> None:
        self.program, self.name = program, name
        self.globals: dict[str, Any] = {"asarray": np.asarray}
        inputs = ", ".join(map(_variable, program.inputs))
        self.lines = [f"def {name}({'values' if consumes else inputs}):"]
        self.places: list[Instruction | None] = [None]  # the instruction of each line
        if consumes and inputs:
            self._line(f"{inputs}, = values", None)
            self._line("values.clear()", None)
        for instruction, dying in zip(program.instructions, program.last_uses(), strict=True):
            self._add(instruction, dying)
        self._line(f"return [{', '.join(self._value(out) for out in program.outputs)}]", None)

    def _line(self, text: str, instruction: Instruction | None) -> None:
        self.lines.append("    " + text)
        self.places.append(instruction)

    def _add(self, instruction: Instruction, dying: list[Slot]) -> None:
        function = instruction.function
        args = [self._value(a) for a in instruction.args]
        args += [f"{key}={self._value(value)}" for key, value in instruction.kwargs.items()]
        if instruction.layer and getattr(function, "communicates", False):
            function = _InLayer(function, instruction.layer)
        call = f"{self._constant(function)}({', '.join(args)})"
        outputs = ", ".join("_" if slot is None else _variable(slot) for slot in instruction.outputs)
        if not outputs:
            self._line(call, instruction)
        elif instruction.several:
            self._line(f"{outputs}{',' if len(instruction.outputs) == 1 else ''} = {call}", instruction)
        else:
            slot = instruction.outputs[0]
            kind = self.program.kinds.get(slot) if slot is not None else None
            # NumPy answers with scalars where a 0-d array is meant, see Note [0-d arrays]
            call = f"asarray({call})" if kind and not kind.shape else call
            self._line(f"{outputs} = {call}", instruction)
        if dying:
            self._line(" = ".join(map(_variable, dying)) + " = None", None)

    def _value(self, value: Any) -> str:
        if type(value) is Slot:
            return _variable(value)
        if type(value) in _INLINE and (
            value is None or abs(value) < 1e300
        ):  # not NaN and infinity, which have no literal
            return repr(value)
        return self._constant(value)

    def _constant(self, value: Any) -> str:
        name = f"c{len(self.globals)}"
        self.globals[name] = value
        return name

    def function(self) -> Callable[..., Any]:
        source, file = "\n".join(self.lines) + "\n", f"<{self.name} {id(self):x}>"
        exec(compile(source, file, "exec"), self.globals)
        linecache.cache[file] = len(source), None, source.splitlines(True), file  # for tracebacks and debuggers
        made, places = self.globals[self.name], self.places

        def run(*inputs: Any) -> Any:
            try:
                return made(*inputs)
            except Exception as error:
                _say_where(error, file, places)
                raise

        run.source = source  # type: ignore[attr-defined]
        return run


class _InLayer:
    """A function that runs as part of a layer, which messages about its communication name."""

    def __init__(self, function: Callable[..., Any], layer: str) -> None:
        self.function, self.layer = function, layer

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with use_layer(self.layer):
            return self.function(*args, **kwargs)


def _say_where(error: Exception, file: str, places: list[Instruction | None]) -> None:
    """Add the layer and the line of the user's code to an error that an instruction has raised."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            instruction = places[trace.tb_lineno - 1]
            if instruction is not None:
                place = {key: value for key in ("layer", "line") if (value := getattr(instruction, key))}
                if isinstance(error, DdtrainError):
                    error.at(**{key: value for key, value in place.items() if key not in error.place})
                else:
                    error.add_note(f"In a plan, {instruction.name}: {' '.join(place.values())}")
        trace = trace.tb_next


def _variable(slot: Slot) -> str:
    return f"v{int(slot)}"
