"""The base of callbacks: five events in the life of a run, and what of it they may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from ddtrain.parts import Part


class Norms(NamedTuple):
    """Euclidean norms of one parameter: of its values after a step, and of the gradient that the step was taken by."""

    value: float
    gradient: float


class Watched(Protocol):
    """A run as a callback sees it, the same on every rank but for ``rank`` and ``directory``.

    Attributes
    ----------
    rank, size : of the ranks, which one this is, and how many there are
    directory : of the run, on rank 0; None on the others, which write no files
    config : the run's configuration
    step, total_steps : steps taken, and those of the whole run
    epoch : of the latest step, counted from 1
    figures : of the latest step (loss, metrics, lr, grad_norm, samples_per_s), or of the evaluation (valid_loss, ...)
    norms : of each parameter by path, at the steps that ``norms_every`` of some callback asks for; else empty
    """

    rank: int
    size: int
    directory: Path | None
    config: Any
    step: int
    total_steps: int
    epoch: int
    figures: Mapping[str, float]
    norms: Mapping[str, Norms]

    @property
    def values(self) -> Mapping[str, Any]:
        """The model's parameters and buffers by path, as views that cannot be written to; steps change them."""
        ...

    @property
    def model(self) -> Any:
        """The model with its present values, bound for evaluation; the values cannot be written to."""
        ...

    @property
    def task(self) -> Any:
        """The task: the model's data and loss."""
        ...

    def stop(self) -> None:
        """Ask the run to stop after the next step, with a checkpoint, as a signal does."""
        ...


@dataclass(frozen=True)
class Callback(Part, kind="callback", default="csv"):
    """The base of callbacks: override the events that matter.

    Every rank has the same callbacks and calls their events in the same order, so that all see a run alike. An event
    that raises ends the run, after a checkpoint. What an event evaluates (``ddtrain.evaluate(run.model, ...)``) it
    evaluates by itself, on its rank alone. What changes the numbers of a run is no callback's business: that is
    an option.

    A subclass may be any class. To be named by ``--log.to``, it is a frozen dataclass of its options with
    ``@register``, and keeps what it remembers in ``functools.cached_property``.

    Attributes
    ----------
    norms_every : steps between those at which ``run.norms`` is worked out, over all ranks; 0: never

    Examples
    --------
    >>> class Plateau(Callback):
    ...     "Says when the validation loss has not fallen."
    ...
    ...     def start(self, run):
    ...         self.best = float("inf")
    ...
    ...     def evaluation(self, run):
    ...         if run.figures["valid_loss"] >= self.best and run.rank == 0:
    ...             print(f"step {run.step}: no better")
    ...         self.best = min(self.best, run.figures["valid_loss"])
    """

    norms_every: ClassVar[int] = 0
    name: str = ""

    def require(self) -> None:
        """Raise UsageError if something is missing that it needs, such as a package; before anything is written."""

    def start(self, run: Watched) -> None:
        """Before the first step of this start, new or resumed; ``run.step`` says which it will not take again."""

    def step(self, run: Watched) -> None:
        """After a step, with its figures."""

    def evaluation(self, run: Watched) -> None:
        """After an evaluation, with its figures."""

    def checkpoint(self, run: Watched, path: Path) -> None:
        """After a checkpoint is saved, in the directory ``path``."""

    def end(self, run: Watched) -> None:
        """After the last step, completed or stopped; not after an error."""
