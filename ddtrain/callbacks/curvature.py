"""The loss's largest and smallest curvature over the steps of a run, beside the learning rate."""

# n parameters

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import ddtrain.numpy as dnp
from ddtrain import rng
from ddtrain.autodiff import hvp
from ddtrain.callbacks import json_lines
from ddtrain.callbacks.callback import Callback, Watched
from ddtrain.callbacks.remarks import Remarks
from ddtrain.callbacks.some_samples import batch_for
from ddtrain.diagnose.curvature.spectrum import extreme_eigenvalues
from ddtrain.diagnose.curvature.stability import stable_rate
from ddtrain.diagnose.layers.verdicts import Verdict
from ddtrain.parts import Range, register

FILE = "curvature.jsonl"
_TOLERANCE = 1e-3  # relative, of eigenvalues: what a curve shows


@register
@dataclass(frozen=True)
class Curvature(Callback):
    """RUN/curvature.jsonl: the outermost eigenvalues of the Hessian for a few samples, every so many steps.

    A line is ``{"step": 100, "largest": 18.2, "smallest": -0.4, "lr": 0.1, "stable_lr": 0.11}``. ``stable_lr`` is the
    rate from which on the optimizer would diverge along the largest eigenvector: of ``sgd`` with its momentum, of all
    others that of plain gradient descent. When the rate first exceeds it, that is said. The samples are the same ones
    each time, for validation if there are any, in evaluation mode, on rank 0, while the others wait.

    References
    ----------
    Cohen, Kaur, Li, Kolter, Talwalkar, arXiv:2103.00065, on the edge of stability.

    >>> Curvature(every=10, samples=32).products
    20
    """

    name: str = "curvature"
    """Largest and smallest eigenvalue of the Hessian, and the rate that they allow, as RUN/curvature.jsonl."""
    every: int = 100
    """Steps between those after which it is looked."""
    samples: int = 64
    """How many samples it is looked at."""
    products: int = 20
    """Hessian-vector products at most, each of which takes some four passes and keeps a vector."""

    def start(self, run: Watched) -> None:
        if run.directory is not None:
            json_lines.cut(run.directory / FILE, run.step)

    def step(self, run: Watched) -> None:
        if run.directory is None or run.step % self.every:
            return
        loss = _Loss(run, self.samples)
        with np.errstate(all="ignore"):
            found = extreme_eigenvalues(loss, loss.x, self.products, _TOLERANCE)
        lr, stable = float(run.figures["lr"]), stable_rate(run.config.optim, found.largest)
        figures = {"largest": found.largest, "smallest": found.smallest, "lr": lr}
        if np.isfinite(stable):
            figures["stable_lr"] = stable
        over = Verdict(
            "edge of stability", "loss", f"the rate {lr:.3g} exceeds {stable:.3g}, which its curvature allows", _LOWER
        )
        told = self._remarks.of(run.step, [over] if lr > stable else [])
        json_lines.append(run.directory / FILE, {"step": run.step, **figures, **told})

    @cached_property
    def _remarks(self) -> Remarks:
        return Remarks()

    def ranges(self) -> Iterator[Range]:
        yield "every", self.every >= 1, "a number of at least 1"
        yield "samples", self.samples >= 1, "a number of at least 1"
        yield "products", self.products >= 2, "a number of at least 2"


_LOWER = "Full batches often train well there; if the loss rises, try a lower --optim.lr or a warm-up."


class _Loss:
    """The mean loss of some samples on this rank: ``Curved``, as ``optim/batch_methods/protocol.py`` has it."""

    def __init__(self, run: Watched, samples: int) -> None:
        declared = run.task.model.declarations()
        self._task, self._batch, self._seed = run.task, batch_for(run, samples)[1], run.config.run.seed
        self._buffers = {path: x for path, x in run.values.items() if not declared[path].trained}
        self._weights = {path: x for path, x in run.values.items() if declared[path].trained}
        self.x = np.concatenate([x.ravel() for x in self._weights.values()])

    def _mean(self, x: Any) -> Any:
        at, values = 0, dict(self._buffers)
        for path, weights in self._weights.items():
            values[path] = dnp.reshape(x[at : at + weights.size], weights.shape)
            at += weights.size
        found = self._task.loss(self._task.model.bind(values), *self._batch)
        losses = found[0] if isinstance(found, tuple) else found
        return dnp.mean(losses)

    def hessian_product(self, x: Any, v: Any) -> Any:
        return hvp(self._mean, (x,), v)

    def random_normal(self, x: Any) -> Any:
        return rng.stream(self._seed, "curvature").standard_normal(x.size)

    def agree(self, numbers: Any) -> Any:
        return numbers
