"""The loop's side of callbacks: the run as they see it, and their events, called on all ranks in the same order.

Note [A callback that fails]
Ranks learn of an error on one of them by the vote that a request to stop uses: the failed rank votes in the next step,
all stop after it with a checkpoint, and then the error is raised. So a callback costs no exchange of its own, and what
was trained is not lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain.callbacks import Callback, Norms
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.protocol import PeerError
from ddtrain.errors import UsageError, kind_of
from ddtrain.ops import use_communicator
from ddtrain.parallel import verify_replicas
from ddtrain.parallel.layer_norms import LayerNorms
from ddtrain.parallel.node_counters import WATCHED_NORMS
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.modes import Sync
from ddtrain.trainer.run_state import RunState

EVENTS = ("start", "step", "evaluation", "checkpoint", "end")


class WatchedRun:
    """The run as callbacks see it; see :class:`ddtrain.callbacks.Watched`."""

    def __init__(self, comm: Communicator, state: RunState, total_steps: int, directory: Path) -> None:
        self.rank, self.size = comm.rank, comm.size
        self.directory = None if comm.rank else directory
        self.config, self.task, self.total_steps = state.config, state.task, total_steps
        self.figures: Mapping[str, float] = {}
        self.norms: Mapping[str, Norms] = {}
        self.stopped = False
        self._state = state

    @property
    def step(self) -> int:
        return self._state.step

    @property
    def epoch(self) -> int:
        return self._state.position(max(self.step - 1, 0)).epoch + 1

    @property
    def values(self) -> Mapping[str, Any]:
        values = {name: x.view() for name, x in self._state.store.tensors.items()}
        for x in values.values():
            x.flags.writeable = False
        return values

    @property
    def model(self) -> Any:
        return self.task.model.bind(self.values)

    def stop(self) -> None:
        self.stopped = True


def verify_callbacks(comm: Communicator, callbacks: Sequence[Callback]) -> None:
    """Check that all ranks have the same callbacks. Collective.

    Raises
    ------
    UsageError : on all ranks, if they differ
    """
    said = [f"{type(c).__qualname__} (norms every {c.norms_every})" for c in callbacks]
    seen = {"callbacks": ", ".join(said) or "none"}
    verify_replicas(seen, comm, "list of", remedy="Give every rank the same, in the same order.")


def require_callbacks(callbacks: Sequence[Any]) -> None:
    """Check that callbacks are such, and find what they need.

    Raises
    ------
    UsageError : what is given is no callback, or one that watches nothing, or needs a package that is missing
    """
    for k, callback in enumerate(callbacks):
        if not isinstance(callback, Callback):
            hint = "Shipped ones go by name: --log.to csv."
            if isinstance(callback, type) and issubclass(callback, Callback):
                hint = f"Make one of the class: {callback.__name__}()."
            raise UsageError(f"callbacks[{k}] is {kind_of(callback)}, not a ddtrain.Callback", remedy=hint)
        if not any(_watches(callback, event) for event in EVENTS):
            own = [name for name in vars(type(callback)) if not name.startswith("_")]
            hint = next((told for name in own if (told := did_you_mean(name, EVENTS))), "")
            raise UsageError(
                f"callbacks[{k}], {kind_of(callback)}, has none of the events {', '.join(EVENTS)}", remedy=hint
            )
        callback.require()


def _watches(callback: Callback, event: str) -> bool:
    return event in vars(callback) or getattr(type(callback), event) is not getattr(Callback, event)


class Watching:
    """The callbacks of one rank's run. Making one is collective.

    Parameters
    ----------
    callbacks : the same on all ranks, see :func:`verify_callbacks`
    directory : of the run
    """

    def __init__(
        self, comm: Communicator, callbacks: Sequence[Callback], state: RunState, total_steps: int, directory: Path
    ) -> None:
        self._comm, self._callbacks = comm, callbacks
        self._error: Exception | None = None  # of a callback on this rank (Note [A callback that fails])
        self.run = WatchedRun(comm, state, total_steps, directory)
        self._every = {callback.norms_every for callback in callbacks} - {0}
        self._norms = _norms(state.mode) if self._every else None

    @property
    def wants_stop(self) -> bool:
        """Whether this rank votes to stop: a callback has asked for it, or has failed."""
        return self.run.stopped or self._error is not None

    def start(self) -> None:
        self._tell("start")
        self.settle()

    def step(self, figures: Mapping[str, float]) -> None:
        if not self._callbacks:
            return
        self.run.figures = figures
        wanted = any(self.run.step % every == 0 for every in self._every)
        self.run.norms = self._measured() if wanted else {}
        self._tell("step")

    def evaluation(self, figures: Mapping[str, float]) -> None:
        self.run.figures = figures
        self._tell("evaluation")

    def checkpoint(self, path: Path) -> None:
        self._tell("checkpoint", path)

    def end(self) -> None:
        self._tell("end")
        self.settle()

    def settle(self) -> None:
        """Raise the error of a callback, on the rank where it was raised; the others follow. Collective."""
        if not self._callbacks:
            return
        failed = [rank for rank, bad in enumerate(self._comm.exchange_objects(self._error is not None)) if bad]
        if self._error is not None:
            raise self._error
        if failed:
            raise PeerError(f"a callback failed on rank {failed[0]}")

    def _tell(self, event: str, *args: Any) -> None:
        for callback in self._callbacks:
            if self._error is not None:
                return
            try:
                with use_communicator(LocalCommunicator()):  # what is evaluated in an event concerns no other rank
                    getattr(callback, event)(self.run, *args)
            except Exception as error:
                where = f"callback {type(callback).__name__}, event {event}, rank {self._comm.rank}"
                error.add_note(f"{where}, step {self.run.step}")
                self._error = error

    def _measured(self) -> dict[str, Norms]:
        """The norms of all parameters, the same bits on every rank. Collective."""
        assert self._norms is not None, "some callback wants norms"
        step = self.run._state.mode.train_step
        values, grads = step.store.values, step.gradient_buffer.grads
        mine = [(_square(values[piece]), _square(grads[piece])) for piece in self._norms.pieces]
        roots = np.sqrt(self._norms.sums(mine))
        return {name: Norms(*map(float, pair)) for name, pair in zip(step.store.names, roots, strict=True)}


def _square(x: Any) -> float:
    return float(np.dot(x, x))


def _norms(mode: Sync) -> LayerNorms:
    step = mode.train_step
    reducer = step.reducer
    return LayerNorms(reducer.buckets, reducer.shares, step.store.spans, step.node, WATCHED_NORMS)
