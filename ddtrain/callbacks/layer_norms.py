"""How large every parameter, its gradient and its change are, over the steps of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ddtrain.callbacks import json_lines
from ddtrain.callbacks.callback import Callback, Watched
from ddtrain.callbacks.remarks import Remarks
from ddtrain.diagnose.layers.verdicts import verdicts
from ddtrain.parts import Range, register

FILE = "layers.jsonl"


@register
@dataclass(frozen=True)
class LayerNorms(Callback):
    """RUN/layers.jsonl: norms of each parameter's values, gradient and latest change, every so many steps.

    A line is ``{"step": 100, "layers": {"head.weight": {"value": 3.1, "gradient": 0.2, "update": 0.003}}}``. The
    gradient is that of the whole batch, before it is clipped; ``update`` is how far the step has moved the values. Of a
    net that learns well, ``update / value`` is often near 1/1000. Where gradients of weights vanish or explode on their
    way to the input, or a step is far too large or small, that is said once, with the layer where it begins and what
    to try, and is in the line's ``verdicts``. Rank 0 keeps a copy of the parameters for a step.

    >>> LayerNorms(every=10).norms_every
    10
    """

    name: str = "layer_norms"
    """Norms of every parameter, of its gradient and of its change, as RUN/layers.jsonl."""
    every: int = 20
    """Steps between those that are measured."""

    @property
    def norms_every(self) -> int:  # type: ignore[override]  # most callbacks have a number, this one an option
        return self.every

    @cached_property
    def _before(self) -> dict[str, Any]:
        """The values before a step that is measured."""
        return {}

    @cached_property
    def _remarks(self) -> Remarks:
        return Remarks()

    def start(self, run: Watched) -> None:
        if run.directory is not None:
            json_lines.cut(run.directory / FILE, run.step)
        self._remember(run)

    def step(self, run: Watched) -> None:
        if run.directory is not None and run.norms and run.step % self.every == 0:
            now, before = run.values, self._before
            layers = {
                path: {**norms._asdict(), "update": float(np.linalg.norm((now[path] - before[path]).reshape(-1)))}
                for path, norms in run.norms.items()
            }
            weights = {path: norms for path, norms in layers.items() if now[path].ndim > 1}
            ratios = {path: norms["update"] / norms["value"] for path, norms in weights.items() if norms["value"]}
            gradients = {path: norms["gradient"] for path, norms in weights.items()}
            told = self._remarks.of(run.step, verdicts({}, gradients, ratios))
            json_lines.append(run.directory / FILE, {"step": run.step, "layers": layers, **told})
        self._remember(run)

    def _remember(self, run: Watched) -> None:
        self._before.clear()
        if run.directory is not None and (run.step + 1) % self.every == 0:
            self._before.update({path: x.copy() for path, x in run.values.items()})

    def ranges(self) -> Iterator[Range]:
        yield "every", self.every >= 1, "a number of at least 1"
