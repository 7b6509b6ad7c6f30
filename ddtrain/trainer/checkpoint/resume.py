"""Resuming: compares a saved run with the present one, and continues it where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ddtrain.errors import CheckpointError, UsageError, first_line, quoted
from ddtrain.nn import from_torch, to_torch
from ddtrain.trainer.checkpoint import fitted_state, rank_state
from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.checkpoint.state_json import check_memory
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.numeric_environment import numeric_environment
from ddtrain.trainer.run_state import RunState
from ddtrain.trainer.step.setup import write_once_per_node

_EXCHANGE = ("comm.mode", "comm.hook")
# options that cannot change: without them, a step number has another meaning
_FIXED = ("run.seed", "run.dtype", "data.batch_size")
_DECIDING = (
    *("optim", "schedule", "clip", "model", "loss"),  # all options of these sections
    "data.class_weights",  # what else decides the samples, the checkpoint refuses by itself
    *("average.name", "average.decay", "average.warmup", "average.start", "average.every", "average.evaluate"),
    *("run.epochs", "run.shards", "run.accumulate", "comm.hook", "comm.topk_fraction", "comm.powersgd_rank"),
    *("comm.mode", "comm.sync_every", "comm.outer_lr", "comm.outer_momentum", "comm.node_memory"),
)


def resume(state: RunState, saved: Snapshot) -> list[str]:
    """Continue a saved run where it stopped; returns a line for each thing that makes it differ. Collective.

    Raises
    ------
    CheckpointError : it is of another model or optimizer, of inputs prepared otherwise, or its contents make no sense
    UsageError : an option that must not change has changed
    """
    saved.require(to_torch(state.task.model, state.store.tensors), state.mode.optimizer_state_like())
    changes = list(changed_options(state.config, saved))
    _require_same_data(state, saved)
    check_memory(saved.memory, state.store.values.size)
    fitted_state.load(state.task.fitted, saved.fitted, f"checkpoint of step {saved.step}")
    _load_tensors(state, saved)
    state.coordinator.load(dict(saved.coordinator))
    state.step, state.metrics, state.evaluated = saved.step, dict(saved.metrics), saved.evaluated
    state.population = saved.step if saved.population else 0
    state.mode.done = state.step
    unlike = _restore_rank_state(state, saved)
    return [*changes, *_changed_environment(state.config, saved), *([unlike] if unlike else [])]


def changed_options(config: Config, saved: Snapshot) -> Iterator[str]:
    """A line for each changed option that alters the further steps.

    Raises
    ------
    CheckpointError : the checkpoint has a value that the option cannot have
    UsageError : the option must not change
    """
    now = config.to_table()
    for option in tables.leaves(config):
        if option.split(".")[0] not in _DECIDING and option not in (*_FIXED, *_DECIDING):
            continue
        then, said = (tables.value_at(table, option) for table in (saved.config, now))
        name = tables.option(option)
        if not _same_kind(then, said) and (then is not None or option in _FIXED):
            raise CheckpointError(
                f"checkpoint of step {saved.step}: foreign: its {name} is {quoted(then)}, not such as {said}"
            )
        if then != said and option in _FIXED:
            raise UsageError(
                f"{name} is {said}, but the checkpoint's run had {then}",
                remedy=f"Give {name} {then}, or start anew in another --run.dir.",
            )
        if then != said and then is not None:  # None: the checkpoint is older than the option
            yield f"{name} is {said}, but was {then}: the run goes on differently"
    end = tables.value_at(saved.config, "run.steps")
    if isinstance(end, int) and saved.step < end and config.run.steps == 0:
        yield f"--run.steps is 0 (no limit), but was {end}: the run goes on past it"


def _same_kind(then: Any, said: Any) -> bool:
    return type(then) is type(said) or {type(then), type(said)} <= {int, float}


def _require_same_data(state: RunState, saved: Snapshot) -> None:
    """Raise unless the data is the same, and the saved position in it is that of the saved step."""
    # an older checkpoint may describe fewer data sets, as only some had a checksum then
    if not state.data.startswith(saved.data):
        raise UsageError(
            f"the training data is {state.data}, but the checkpoint's run had {saved.data}",
            remedy="Give the data that the run had, or start anew in another --run.dir.",
        )
    epoch, offset = state.position(saved.step)
    place = {
        "epoch": epoch,
        "position": offset * state.config.data.batch_size,
        "seed": state.config.run.seed,
    }
    for name, here in place.items():
        if getattr(saved, name) != here:
            said = f"{name} is {getattr(saved, name)}, where it can only be {here}"
            raise CheckpointError(f"checkpoint of step {saved.step}: foreign: {said}")


def _load_tensors(state: RunState, saved: Snapshot) -> None:
    """Load the model's parameters and buffers, and the optimizer's state."""
    tensors, train_step = from_torch(state.task.model, saved.model), state.mode.train_step
    state.store.load_state(tensors)
    state.mode.load_optimizer_state(saved.optim)
    write_once_per_node(train_step.comm, train_step.node, lambda: state.store.load_parameters(tensors))
    state.optimizer.count = saved.optim_count


def _restore_rank_state(state: RunState, saved: Snapshot) -> str:
    """Restore what each rank alone remembers; returns a line about what could not be restored exactly."""
    comm, now = state.config.comm, state.config.to_table()
    # a compressing hook keeps its state by bucket
    decide = _EXCHANGE if comm.hook == "exact" else (*_EXCHANGE, "comm.bucket_bytes")
    same = all(tables.value_at(saved.config, option) in (None, tables.value_at(now, option)) for option in decide)
    try:
        return rank_state.restore(state.mode, saved.memory, same)
    except (LookupError, ValueError) as error:
        raise CheckpointError(
            f"checkpoint of step {saved.step}: foreign: its memory.safetensors is not what {comm.mode} "
            f"and {comm.hook} remember ({first_line(error)})"
        ) from error


def _changed_environment(config: Config, saved: Snapshot) -> Iterator[str]:
    for name, now_here in numeric_environment(config.run.dtype).items():
        if saved.versions.get(name, now_here) != now_here:
            yield f"{name} is {now_here!r}, but the checkpoint's run had {saved.versions[name]!r}: last bits may differ"
