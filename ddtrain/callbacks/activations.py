"""What the layers of a model give for some samples, over the steps of a run: too small, too large, always the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ddtrain import nn
from ddtrain.callbacks import json_lines
from ddtrain.callbacks.callback import Callback, Watched
from ddtrain.callbacks.remarks import Remarks
from ddtrain.callbacks.some_samples import batch_for, call_loss
from ddtrain.diagnose.layers.statistics import statistics, thresholds_of
from ddtrain.diagnose.layers.verdicts import of_units
from ddtrain.parts import Range, register

FILE = "activations.jsonl"


@register
@dataclass(frozen=True)
class Activations(Callback):
    """RUN/activations.jsonl: statistics of every layer's outputs for a few samples, every so many steps.

    A line is ``{"step": 100, "layers": {"hidden": {"mean": 0.1, "std": 0.8, "zeros": 0.5, "dead": 0.02}}}``. ``zeros``
    is the share of outputs that are 0, and ``dead`` that of units (places on the last axis) that are 0 for all samples.
    Sigmoids and hyperbolic tangents have ``saturated`` too: the share of outputs that are within a hundredth of their
    bounds, outside [0.01, 0.99] or ±0.99. A layer is a module: what ``forward`` computes by functions is seen where its
    module ends, and of several outputs the first. The samples are the same ones each time, for validation if there are
    any, in evaluation mode, on rank 0. A layer of which half is dead or saturated is said once, with what to try, and
    is in the line's ``verdicts``.

    >>> Activations(every=10, samples=32).samples
    32
    """

    name: str = "activations"
    """Mean, spread, zeros and saturation of every layer's outputs, as RUN/activations.jsonl."""
    every: int = 20
    """Steps between those after which it is looked."""
    samples: int = 64
    """How many samples it is looked at."""

    def start(self, run: Watched) -> None:
        if run.directory is not None:
            json_lines.cut(run.directory / FILE, run.step)

    def step(self, run: Watched) -> None:
        if run.directory is not None and run.step % self.every == 0:
            seen = _Statistics()
            call_loss(run, batch_for(run, self.samples)[1], seen)
            told = self._remarks.of(run.step, of_units(seen.layers))
            json_lines.append(run.directory / FILE, {"step": run.step, "layers": seen.layers, **told})

    @cached_property
    def _remarks(self) -> Remarks:
        return Remarks()

    def ranges(self) -> Iterator[Range]:
        yield "every", self.every >= 1, "a number of at least 1"
        yield "samples", self.samples >= 1, "a number of at least 1"


class _Statistics:
    """Takes down what modules return, call by call; a second call of a module is called "path, call 2"."""

    def __init__(self) -> None:
        self.layers: dict[str, dict[str, float]] = {}
        self._calls: dict[str, int] = {}

    def enter(self, module: nn.Module) -> None:
        """Nothing is known before the module has answered."""

    def leave(self, module: nn.Module, output: Any) -> None:
        output = output[0] if isinstance(output, tuple) and output else output
        if not isinstance(output, np.ndarray) or output.dtype.kind != "f" or not output.size:
            return
        path = module._path or type(module).__name__
        call = self._calls[path] = self._calls.get(path, 0) + 1
        self.layers[path if call == 1 else f"{path}, call {call}"] = statistics(output, thresholds_of(module))
