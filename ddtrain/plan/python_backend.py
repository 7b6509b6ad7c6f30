"""A program as one Python function: a line an instruction, no interpreter between them.

What runs is Python's own bytecode for ``v7 = f3(v5, v2)``, so an instruction costs what its call costs. A value is let
go right after its last reader, as the walk of a tape does.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.current_layer import use_layer
from ddtrain.errors import DdtrainError
from ddtrain.plan.program import Instruction, Program, Slot

_INLINE = (int, float, bool, type(None))  # constants that are written into the source as they are


def python_function(
    program: Program, name: str = "plan", consumes: bool = False, array: Callable[[Any], Any] = np.asarray
) -> Callable[..., Any]:
    """The function that takes the program's inputs and returns the list of its outputs.

    Parameters
    ----------
    consumes : it takes all inputs in one list, which it empties, so that each can be let go after its last use
    array : makes an array of a result that NumPy gives as a number

    >>> from ddtrain.plan import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.input(np.array([1.0, 2.0]), "x")
    >>> double = python_function(recorder.finish([x + x]))
    >>> double(np.array([5.0]))
    [array([10.])]
    """
    source = PythonSource(program, name, program.inputs, consumes)
    source.globals["asarray"] = array
    for instruction, dying in zip(program.instructions, program.last_uses(), strict=True):
        source.call(instruction)
        source.let_go(dying)
    source.line(f"return [{', '.join(source.value(out) for out in program.outputs)}]")
    return source.function()


class PythonSource:
    """Writes the source of a function, a line an instruction.

    Parameters
    ----------
    inputs : what the function is given
    consumes : in one list, which it empties
    """

    def __init__(self, program: Program, name: str, inputs: Sequence[Slot], consumes: bool) -> None:
        self.program, self.name = program, name
        self.globals: dict[str, Any] = {"asarray": np.asarray}
        names = ", ".join(map(variable, inputs))
        self._lines = [f"def {name}({'values' if consumes else names}):"]
        self._places: list[Instruction | None] = [None]  # the instruction of each line
        if consumes and names:
            self.line(f"{names}, = values")
            self.line("values.clear()")

    def line(self, text: str, instruction: Instruction | None = None) -> None:
        """Add a line."""
        self._lines.append("    " + text)
        self._places.append(instruction)

    def call(self, instruction: Instruction) -> None:
        """Add the call of an instruction."""
        function = instruction.function
        args = [self.value(a) for a in instruction.args]
        args += [f"{key}={self.value(value)}" for key, value in instruction.kwargs.items()]
        if instruction.layer and getattr(function, "communicates", False):
            function = _InLayer(function, instruction.layer)
        call = f"{self.constant(function)}({', '.join(args)})"
        outputs = ", ".join("_" if slot is None else variable(slot) for slot in instruction.outputs)
        if not outputs:
            self.line(call, instruction)
        elif instruction.several:
            self.line(f"{outputs}{',' if len(instruction.outputs) == 1 else ''} = {call}", instruction)
        else:
            slot = instruction.outputs[0]
            kind = self.program.kinds.get(slot) if slot is not None else None
            # NumPy answers with scalars where a 0-d array is meant, see Note [0-d arrays]
            call = f"asarray({call})" if kind and not kind.shape else call
            self.line(f"{outputs} = {call}", instruction)

    def let_go(self, slots: Sequence[Slot]) -> None:
        """Forget the values of some slots."""
        if slots:
            self.line(" = ".join(map(variable, slots)) + " = None")

    def value(self, value: Any) -> str:
        """A slot's variable, or a constant, as text."""
        if type(value) is Slot:
            return variable(value)
        if type(value) in _INLINE and (value is None or abs(value) < 1e300):  # NaN and infinity have no literals
            return repr(value)
        return self.constant(value)

    def constant(self, value: Any) -> str:
        """A name for an object that the source cannot spell."""
        name = f"c{len(self.globals)}"
        self.globals[name] = value
        return name

    def function(self) -> Callable[..., Any]:
        """The function; what its errors say includes the layer and the line of the user's code."""
        source, file = "\n".join(self._lines) + "\n", f"<{self.name} {id(self):x}>"
        exec(compile(source, file, "exec"), self.globals)
        linecache.cache[file] = len(source), None, source.splitlines(True), file  # for tracebacks and debuggers
        made, places = self.globals[self.name], self._places

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


def variable(slot: Slot) -> str:
    """The name of a slot in the source."""
    return f"v{int(slot)}"
