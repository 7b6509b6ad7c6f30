"""Saves the present state of a run as a checkpoint, and later adds the figures of an evaluation to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from ddtrain.comm.protocol import Communicator
from ddtrain.diagnose import require_finite
from ddtrain.errors import CheckpointError
from ddtrain.nn import to_torch
from ddtrain.trainer.checkpoint import finder, fitted_state, rank_state, writer
from ddtrain.trainer.checkpoint.contents import Snapshot, versions_here
from ddtrain.trainer.run_state import RunState

NONE: Mapping[str, Any] = MappingProxyType({})


class SavedRun(Protocol):
    """Where a run is saved, and who hears of what could not be.

    Attributes
    ----------
    directory : the run's
    spared : checkpoints that are kept whatever their age
    """

    comm: Communicator
    directory: Path

    @property
    def spared(self) -> Any: ...
    def flush(self) -> None: ...
    def warn(self, text: str) -> None: ...


def save(state: RunState, records: SavedRun, final: bool, population: Mapping[str, Any] = NONE) -> bool:
    """Save the run; True if the disk had room for it. Collective.

    Parameters
    ----------
    final : it is the run's last checkpoint, so that a full disk is an error
    population : batch-norm's statistics of all batches, if there are any, by exported name

    Raises
    ------
    NonFiniteError : on all ranks, if a value is NaN or infinite, so that no run could be resumed from it
    CheckpointError : on all ranks, if it is the final one and cannot be saved
    """
    records.flush()
    comm, memory = records.comm, rank_state.gather(state.mode)
    with state.mode.consolidated(state=True):
        vectors = state.mode.consolidated_state()
        kept = {**state.store.tensors, **{f"the optimizer's {name}": vector for name, vector in vectors.items()}}
        kept |= {f"the population's {name}": x for name, x in population.items()}
        require_finite(comm, {name: x for name, x in kept.items() if name not in state.never_finite})
        with _tolerating(records, final, f"checkpoint of step {state.step} not saved"):
            take = lambda: take_snapshot(state, vectors, memory, population)
            writer.save(comm, records.directory, take, state.config.checkpoint.keep, records.spared)
            return True
    return False


def add_population(state: RunState, records: SavedRun, population: Mapping[str, Any]) -> None:
    """Put statistics of the population, and their figures, into the checkpoint of the run's last step. Collective.

    The checkpoint is written anew and takes the old one's place, which stays until then. Raises as :func:`save`.
    """
    path = finder.path_of(records.directory, state.step)
    if path.name in records.spared:
        records.warn(f"{path} is behind a symbolic link, so that statistics of the population are not saved in it")
    else:
        save(state, records, final=True, population=population)


def complete(state: RunState, records: SavedRun, final: bool) -> None:
    """Put the latest evaluation into the checkpoint of this step, if there is one. Collective."""
    records.flush()  # a run that goes on from there does not evaluate again, so its log has the evaluation by then
    path = finder.path_of(records.directory, state.step)
    with _tolerating(records, final, f"evaluation of step {state.step} not saved"):
        writer.complete(records.comm, path, lambda: _findings(state), state.config.checkpoint.keep, records.spared)


@contextmanager
def _tolerating(records: SavedRun, final: bool, what: str) -> Iterator[None]:
    """While inside, a full disk is an error only for a run's last checkpoint."""
    try:
        yield
    except CheckpointError as error:
        if final:
            raise
        records.warn(f"{what}, training goes on: {error.one_line}")


def take_snapshot(
    state: RunState,
    optimizer_state: Mapping[str, Any],
    memory: Mapping[str, Any],
    population: Mapping[str, Any] = NONE,
) -> Snapshot:
    """Everything that a resumed run needs, from this rank's state and what was gathered from all ranks.

    Parameters
    ----------
    optimizer_state : vectors as long as the parameters, of all ranks together
    memory : what :func:`rank_state.gather` has gathered
    population : as for :func:`save`
    """
    epoch, offset = state.position(state.step)
    return Snapshot(
        step=state.step,
        epoch=epoch,
        position=offset * state.config.data.batch_size,
        seed=state.config.run.seed,
        data=state.data,
        model=to_torch(state.task.model, state.store.tensors),
        optim=optimizer_state,
        memory=memory,
        fitted=fitted_state.tensors_of(state.task.fitted),
        population=population,
        optim_count=state.optimizer.count,
        config=state.config.to_table(),
        **_findings(state),
        params_sha256=state.store.sha256(),
        model_sha256=state.store.model_sha256(),
        versions=versions_here(state.config.run.dtype),
    )


def _findings(state: RunState) -> dict[str, Any]:
    """The figures of evaluations so far, as fields of a snapshot."""
    return {
        "metrics": state.metrics,
        "evaluated": state.evaluated,
        "coordinator": state.coordinator.state_dict(),
    }
