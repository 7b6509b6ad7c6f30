"""Everything a run can be told: one frozen dataclass a component, every field with the line that ``--help`` shows.

A recipe subclasses :class:`Config`, adds a ``model`` section of its own and overrides defaults. Where the values
come from (command line over TOML over recipe) is :mod:`ddtrain.trainer.config.command_line`'s business.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any, Literal, Self

from ddtrain.errors import UsageError, quoted
from ddtrain.trainer.config import tables
from ddtrain.trainer.records.timeline import steps_of

_LONGEST_NAME = 255  # bytes, of a file or directory: NAME_MAX of every usual file system


@dataclass(frozen=True)
class Comm:
    """Communication between the ranks."""

    backend: str = "auto"
    """auto: mpi under a launcher, else local
    local: one rank, without an MPI library
    threads:N: N ranks in this process
    mpi: the ranks that the launcher started
    null:N: claims N ranks and sends nothing, the compute-only ceiling
    debug[:SPEC]: another backend, checking that all ranks make the same calls
    wire:SPEC,latency-us=50,gbit-s=10: another backend, as slow as over such a network
    """
    bucket_bytes: int = 1 << 20
    """Bytes of gradient reduced at once; changes speed, never a result of exact sums."""
    node_memory: Literal["auto", "on", "off"] = "auto"
    """Whether the ranks of a machine share parameters, optimizer state and gradients in memory instead of sending
    messages: auto where MPI can, on: or else an error, off: never. Changes speed, never a result on one machine.
    """

    hook: Annotated[str, tables.Keys("ddtrain.parallel.hooks", "HOOKS")] = "exact"
    """How gradients travel between nodes; all but exact keep what they leave out, and send it later
    float16, bfloat16: two bytes an element
    topk: the largest elements alone
    powersgd: matrices as products of two thin ones
    sign: one bit an element, by majority vote
    """
    topk_fraction: float = 0.01
    """Elements that topk sends, as a fraction of all."""
    powersgd_rank: int = 2
    """Columns of powersgd's thin matrices."""
    mode: Annotated[str, tables.Keys("ddtrain.trainer.modes", "MODES")] = "sync"
    """sync: every step waits for all nodes
    local: nodes train apart, and average their parameters every sync_every steps
    diloco: as local, with Nesterov momentum on the averaged movement
    stale: gradients are applied one step late, and summed while the next step computes
    """
    sync_every: int = 16
    """Steps between meetings of the nodes; of local and diloco."""
    outer_lr: float = 0.7
    """Learning rate of diloco's outer steps."""
    outer_momentum: float = 0.9
    """Momentum of diloco's outer steps."""
    sharded_optimizer: bool = False
    """Divide the optimizer's state among the nodes; the same results, less memory."""


@dataclass(frozen=True)
class Run:
    """The run as a whole."""

    dir: str = ""
    """Directory for logs and checkpoints, for one job at a time; empty: a new runs/RECIPE-TIME."""
    shards: int = 0
    """Parts of each batch that are computed by themselves; with the same number of shards the results are the same to
    the last bit for every number of ranks up to it. 0: as many as there are ranks.
    """
    accumulate: int = 1
    """Pieces that a rank cuts its part of a batch into: computed one after another, their gradients summed once.
    Less memory for the same batch, unless batch-norm is synchronised, which keeps all pieces going at once.
    """
    seed: int = 0
    """Seed of initial values, shuffling and dropout."""
    epochs: int = 10
    """Passes over the training data."""
    steps: int = 0
    """Stop after this many optimizer steps in total; 0: no such limit."""
    resume: str = "never"
    """never, auto (the newest good checkpoint of run.dir, if there is one), or the path of a checkpoint: going back
    to an older one of run.dir itself puts the newer ones aside.
    """
    dtype: Literal["float32", "float64"] = "float32"
    """Type of parameters and arithmetic."""
    debug: bool = False
    """Check the result of every operation for NaN and infinity; slow."""
    check_gradients_every: int = 0
    """Steps between checks of the gradient against finite differences, on a few weights of each parameter; 0: never.
    A derivative that is wrong by more than a millionth (a thousandth through kinks of ReLU) ends the run; slow.
    """
    eval_every: int = 1
    """Epochs between evaluations; 0: never."""
    checkpoint_every: int = 0
    """Steps between checkpoints; 0: once an epoch. Every evaluation has one, too."""
    keep: int = 3
    """Newest checkpoints kept, besides the one that was evaluated best."""
    nonfinite: Literal["stop", "skip"] = "stop"
    """What a NaN or infinite loss, gradient or running statistic does: stop the run, or skip the step on every rank."""
    max_skips: int = 10
    """Steps skipped in a row before the run stops all the same."""
    patience: int = 0
    """Evaluations without a better validation loss before the run stops early; 0: never."""
    trace: str = ""
    """Steps to record in RUN/trace.json, for ui.perfetto.dev and ddtrain.bench report; 10:20 means steps 10 to 19.
    Steps count from 1, the last is left out; empty: none.
    """


@dataclass(frozen=True)
class Data:
    """The data."""

    batch_size: int = 128
    """Samples in a step, over all ranks together."""
    root: str = ""
    """Directory with the data files; empty: where the system keeps them, else the ones in the package."""


@dataclass(frozen=True)
class Optim:
    """The optimizer."""

    name: Annotated[str, tables.Keys("ddtrain.optim", "OPTIMIZERS")] = "sgd"
    """Update rule."""
    lr: float = 0.1
    """Base learning rate, which the schedule multiplies."""
    momentum: float = 0.9
    """Of sgd; 0: plain gradient descent."""
    nesterov: bool = False
    """Nesterov's form of sgd's momentum."""
    weight_decay: float = 0.0
    """L2 penalty added to the gradient; for adamw, decay of the weights themselves."""
    beta1: float = 0.9
    """Decay of adam's mean of the gradient."""
    beta2: float = 0.999
    """Decay of adam's mean of the squared gradient."""
    eps: float = 1e-8
    """Added to adam's denominator."""


@dataclass(frozen=True)
class Schedule:
    """The learning rate over time (t: steps since the warm-up)."""

    name: Annotated[str, tables.Keys("ddtrain.optim.schedules", "SCHEDULES")] = "constant"
    """constant: the base rate
    step: times factor every decay_every steps
    exponential: times factor ** (t / decay_every)
    inverse: divided by 1 + factor * t / decay_every
    cosine: down to min_lr, which the step after the last would have (PyTorch's, with T_max steps)
    plateau: times factor whenever the validation loss has not fallen for long
    """
    warmup_steps: int = 0
    """Steps over which the rate rises linearly to its base; for every schedule."""
    decay_every: int = 1000
    """The unit of time in steps; of step, exponential and inverse."""
    factor: float = 0.5
    """Strength of the decay; of step, exponential, inverse and plateau."""
    min_lr: float = 0.0
    """The rate never decays below this."""
    patience: int = 2
    """Evaluations in a row without a better validation loss that plateau puts up with."""


@dataclass(frozen=True)
class Clip:
    """Limits on the gradient, applied after the reduction."""

    norm: float = 0.0
    """Scale the gradient down to this global Euclidean norm; 0: off."""
    value: float = 0.0
    """Limit the size of each component, after clipping by norm; 0: off."""


@dataclass(frozen=True)
class Config:
    """A whole run.

    >>> Config(optim=Optim(lr=0.05)).to_table()["optim"]["lr"]
    0.05
    """

    comm: Comm = Comm()
    run: Run = Run()
    data: Data = Data()
    optim: Optim = Optim()
    schedule: Schedule = Schedule()
    clip: Clip = Clip()

    def to_table(self) -> dict[str, Any]:
        """Plain nested dict, the shape of the TOML file and of JSON."""
        return tables.to_table(self)

    def updated(self, table: Mapping[str, Any]) -> Self:
        """A copy with some values replaced; an unknown key or a wrong type is a UsageError.

        >>> Config().updated({"data": {"batch_size": 64}}).data
        Data(batch_size=64, root='')
        """
        return tables.update(self, table)

    def to_toml(self, recipe: str = "") -> str:
        """The TOML text that ``--config`` reads back, naming the recipe if there is one."""
        return tables.to_toml(({"recipe": recipe} if recipe else {}) | self.to_table())


def validate(config: Config, size: int) -> None:
    """Check every value against its range and against the others.

    Parameters
    ----------
    config : any recipe's configuration
    size : number of ranks that will share each batch

    Raises
    ------
    UsageError : the first value out of range, as its option, with the allowed range.

    >>> validate(Config(data=Data(batch_size=2)), size=4)
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --data.batch-size 2 is smaller than the 4 ranks that share it
      Give at least 4, or start fewer ranks.
    """
    config.updated(config.to_table())  # types and choices, which Python does not check when a script makes a Config
    for problem, remedy in _problems(config, size):
        raise UsageError(problem, remedy=remedy)
    steps_of(config.run.trace)


def _problems(config: Config, size: int) -> Iterator[tuple[str, str]]:
    for option, ok, allowed in _ranges(config):
        value = tables.lookup(config, option)
        if not ok or (isinstance(value, float) and not isfinite(value)):
            yield f"{tables.option(option)} {quoted(value)} is out of range", f"Give {allowed}."
    for option in ("run.dir", "run.resume", "data.root"):
        longest = max(map(len, os.fsencode(tables.lookup(config, option)).split(b"/")))
        if longest > _LONGEST_NAME:
            yield f"{tables.option(option)} has a name of {longest} bytes", f"Give at most {_LONGEST_NAME} to a name."
    if config.data.batch_size < size:
        yield (
            f"--data.batch-size {config.data.batch_size} is smaller than the {size} ranks that share it",
            f"Give at least {size}, or start fewer ranks.",
        )
    if 0 < config.run.shards < size:
        yield (
            f"--run.shards {config.run.shards} is less than the {size} ranks that share them",
            f"Give at least {size}, or start fewer ranks.",
        )
    if config.run.shards > config.data.batch_size:
        yield (
            f"--run.shards {config.run.shards} is more than the {config.data.batch_size} samples of a batch",
            "Give fewer shards or a larger batch.",
        )
    if config.run.accumulate * size > config.data.batch_size:
        yield (
            f"--run.accumulate {config.run.accumulate} cuts --data.batch-size {config.data.batch_size}, shared by "
            f"{size} ranks, into empty pieces",
            "Accumulate fewer pieces, or give a larger batch.",
        )
    yield from _contradictions(config)
    if config.optim.nesterov and (config.optim.name != "sgd" or config.optim.momentum == 0):
        yield "--optim.nesterov needs --optim.name sgd with --optim.momentum above 0", "Leave it out."
    if config.schedule.min_lr > config.optim.lr:
        yield f"--schedule.min-lr {config.schedule.min_lr} is above --optim.lr {config.optim.lr}", "Lower it."
    if config.run.eval_every == 0 and (config.schedule.name == "plateau" or config.run.patience):
        watcher = "--schedule.name plateau" if config.schedule.name == "plateau" else "--run.patience"
        yield f"{watcher} watches evaluations, but --run.eval-every is 0", "Give --run.eval-every at least 1."


def _contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """Pairs of options that do not go together."""
    comm, shards = config.comm, config.run.shards
    leave_out = "Leave out one of them."
    if shards and comm.hook != "exact":
        yield (
            f"--comm.hook {comm.hook} with --run.shards {shards}: what it leaves out depends on the number of nodes, "
            "and shards promise results that do not",
            leave_out,
        )
    if shards and comm.mode in ("local", "diloco"):
        yield (
            f"--comm.mode {comm.mode} with --run.shards {shards}: how nodes go apart depends on their number, "
            "and shards promise results that do not",
            leave_out,
        )
    if shards and comm.sharded_optimizer:
        yield f"--comm.sharded-optimizer with --run.shards {shards}: sums of shards go to all nodes", leave_out
    if shards and config.run.accumulate > 1:
        yield (
            f"--run.accumulate {config.run.accumulate} with --run.shards {shards}: a rank's shards are computed "
            "one after another anyway",
            leave_out,
        )
    if comm.mode != "sync" and comm.hook != "exact":
        yield (
            f"--comm.hook {comm.hook} with --comm.mode {comm.mode}: hooks are for sums that every step waits for",
            leave_out,
        )
    if config.run.trace and comm.mode == "stale":
        yield f"--run.trace {config.run.trace} with --comm.mode stale: a trace shows the buckets of one step", leave_out
    if comm.sharded_optimizer and (comm.mode != "sync" or comm.hook != "exact"):
        other = f"--comm.mode {comm.mode}" if comm.mode != "sync" else f"--comm.hook {comm.hook}"
        yield f"--comm.sharded-optimizer with {other}: a divided optimizer needs exact sums in every step", leave_out


def _ranges(config: Config) -> Iterator[tuple[str, bool, str]]:
    comm, run, data, optim, schedule, clip = (
        config.comm, config.run, config.data, config.optim, config.schedule, config.clip,
    )  # fmt: skip
    yield "comm.bucket_bytes", comm.bucket_bytes >= 1, "at least 1"
    yield "comm.topk_fraction", 0 < comm.topk_fraction <= 1, "above 0 and at most 1"
    yield "comm.powersgd_rank", comm.powersgd_rank >= 1, "at least 1"
    yield "comm.sync_every", comm.sync_every >= 1, "at least 1"
    yield "comm.outer_lr", comm.outer_lr > 0, "a finite number above 0"
    yield "comm.outer_momentum", 0 <= comm.outer_momentum < 1, "at least 0 and below 1"
    yield "run.accumulate", run.accumulate >= 1, "at least 1"
    yield "run.shards", run.shards >= 0, "0 (one a rank) or more"
    yield "run.seed", 0 <= run.seed < 2**64, "an integer from 0 to 2**64 - 1"
    yield "run.epochs", run.epochs >= 1, "at least 1"
    yield "run.steps", run.steps >= 0, "0 (no limit) or more"
    yield "run.check_gradients_every", run.check_gradients_every >= 0, "0 (never) or more"
    yield "run.eval_every", run.eval_every >= 0, "0 (never) or more"
    yield "run.checkpoint_every", run.checkpoint_every >= 0, "0 (once an epoch) or more"
    yield "run.keep", run.keep >= 1, "at least 1"
    yield "run.max_skips", run.max_skips >= 1, "at least 1"
    yield "run.patience", run.patience >= 0, "0 (never) or more"
    yield "data.batch_size", data.batch_size >= 1, "at least 1"
    yield "optim.lr", optim.lr >= 0, "a finite number, 0 or more"
    yield "optim.momentum", 0 <= optim.momentum < 1, "at least 0 and below 1"
    yield "optim.weight_decay", optim.weight_decay >= 0, "a finite number, 0 or more"
    yield "optim.beta1", 0 <= optim.beta1 < 1, "at least 0 and below 1"
    yield "optim.beta2", 0 <= optim.beta2 < 1, "at least 0 and below 1"
    yield "optim.eps", optim.eps > 0, "a finite number above 0"
    yield "schedule.warmup_steps", schedule.warmup_steps >= 0, "0 or more"
    yield "schedule.decay_every", schedule.decay_every >= 1, "at least 1"
    yield "schedule.factor", schedule.factor > 0, "a finite number above 0"
    yield "schedule.min_lr", schedule.min_lr >= 0, "a finite number, 0 or more"
    yield "schedule.patience", schedule.patience >= 0, "0 or more"
    yield "clip.norm", clip.norm >= 0, "a finite number, 0 (off) or more"
    yield "clip.value", clip.value >= 0, "a finite number, 0 (off) or more"
