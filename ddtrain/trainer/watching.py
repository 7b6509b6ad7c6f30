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
from ddtrain.comm.protocol import PeerError
from ddtrain.parallel import verify_replicas
from ddtrain.parallel.layer_norms import LayerNorms
from ddtrain.parallel.node_counters import WATCHED_NORMS
from ddtrain.trainer.modes import Sync
from ddtrain.trainer.run_state import RunState


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


class Watching:
    """The callbacks of one rank's run. Making one is collective.

    Parameters
    ----------
    directory : of the run

    Raises
    ------
    UsageError : ranks have different callbacks
    """

    def __init__(
        self, comm: Communicator, callbacks: Sequence[Callback], state: RunState, total_steps: int, directory: Path
    ) -> None:
        self._comm, self._callbacks = comm, callbacks
        self._error: Exception | None = None  # of a callback on this rank (Note [A callback that fails])
        self.run = WatchedRun(comm, state, total_steps, directory)
        self._every = {callback.norms_every for callback in callbacks} - {0}
        names = {f"{k}: {type(c).__qualname__}": f"norms every {c.norms_every}" for k, c in enumerate(callbacks)}
        if callbacks:
            verify_replicas(names, comm, "callbacks", remedy="Give every rank the same, in the same order.")
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
