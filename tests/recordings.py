"""Programs for tests of plans: recorded from a function in two halves, and run by each backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import array_like
from ddtrain.plan import Program, Recorder, python_function
from ddtrain.plan.c_backend import NativeProgram, lower
from ddtrain.plan.deliver import deliver
from ddtrain.plan.passes import improve

MIDDLE = "the middle"


class Sinks(list[Any]):
    """Where a test's gradients go: arrays full of NaN at first, and the order in which they were ready."""

    def __init__(self, *like: Any) -> None:
        self.arrays = [np.full_like(x, np.nan) for x in like]
        self.order: list[int] = []
        super().__init__(lambda g, i=i: self._write(i, g) for i in range(len(like)))

    def _write(self, i: int, g: Any) -> None:
        self.arrays[i][...] = 0 if g is None else g
        self.ready(i)

    def target(self, i: int) -> Any:
        return self.arrays[i]

    def ready(self, *numbers: int) -> None:
        self.order += numbers

    def completes(self, i: int) -> bool:
        return i == 0


class Recording:
    """``first`` gives results, and what ``second`` makes gradients of, once it is given ``late``."""

    def __init__(
        self,
        first: Callable[..., Any],
        inputs: Sequence[Any],
        second: Callable[..., Sequence[Any]] | None = None,
        late: Sequence[Any] = (),
    ) -> None:
        recorder = Recorder(keeps=True)
        boxes = [recorder.input(x, f"x{i}") for i, x in enumerate(inputs)]
        results = first(*boxes)
        recorder.call(MIDDLE, lambda: None, effect=True)
        more = [recorder.input(x, f"late{i}") for i, x in enumerate(late)]
        self.late = recorder.inputs[len(inputs) :]
        self.sinks = Sinks()
        if second is not None:
            gradients = second(results, *boxes, *more)
            self.sinks = Sinks(*map(array_like, gradients))
            given = recorder.handle(self.sinks, "sinks")
            self.late = recorder.inputs[len(inputs) :]
            for i, g in enumerate(gradients):
                recorder.call("gradient", deliver, given, i, g, effect=True)
        self.values = recorder.values
        self.recorded: Program = recorder.finish(results)
        self.program = improve(self.recorded)

    def in_c(self, **options: Any) -> NativeProgram:
        made = lower(self.program, dict(self.values), MIDDLE, self.late, sinks=self.sinks or None, **options)
        assert made is not None
        return made

    def in_python(self) -> tuple[Any, Any, int]:
        first, second, carried = self.program.split(MIDDLE, self.late)
        return python_function(first), python_function(second, consumes=True), carried


def run(halves: Any, inputs: Sequence[Any], late: Sequence[Any] = (), sinks: Sinks | None = None) -> list[Any]:
    """The results and the gradients of both halves, copied."""
    first, second, carried = halves if isinstance(halves, tuple) else (halves.first, halves.second, halves.carried)
    returned = first(*inputs)
    results, kept = returned[: len(returned) - carried], returned[len(returned) - carried :]
    second([*kept, *late, *([] if sinks is None else [sinks])])
    return [np.array(x) for x in (*results, *([] if sinks is None else sinks.arrays))]
