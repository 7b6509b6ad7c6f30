"""Everything a run can be told: one frozen dataclass a component, every field with the line that ``--help`` shows.

A recipe subclasses :class:`Config`, adds a ``model`` section of its own and overrides defaults. Where the values
come from (command line over TOML over recipe) is :mod:`ddtrain.trainer.config.command_line`'s business, and which of
them make sense together :mod:`ddtrain.trainer.config.validation`'s.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

from ddtrain.ops.losses import Loss as Loss
from ddtrain.optim import Average as Average
from ddtrain.optim import Optim as Optim
from ddtrain.optim import Sgd
from ddtrain.optim.averages import NoAverage
from ddtrain.optim.schedules import Constant
from ddtrain.optim.schedules import Schedule as Schedule
from ddtrain.trainer.config import field_types, renamed, tables, toml_files


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

    hook: Annotated[str, field_types.Keys("ddtrain.parallel.hooks", "HOOKS")] = "exact"
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
    mode: Annotated[str, field_types.Keys("ddtrain.trainer.modes", "MODES")] = "sync"
    """sync: every step waits for all nodes
    local: nodes train apart, and average their parameters every sync_every steps
    diloco: as local, with Nesterov momentum on the averaged movement
    stale: gradients are applied one step late, and summed while the next step computes
    """
    sync_every: int = 16
    """Steps between two averagings over the nodes; of local and diloco."""
    outer_lr: float = 0.7
    """Learning rate of diloco's outer steps."""
    outer_momentum: float = 0.9
    """Momentum of diloco's outer steps."""
    sharded_optimizer: bool = False
    """Divide the optimizer's state among the nodes; the same results, less memory."""


@renamed.accepts_former_fields("run")
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
    limit: int = 0
    """Train on the first so many samples alone, and evaluate on as many of the validation data, in the order in which
    the data has them: to try a program, not a model, as sorted data then has one class; 0: all.
    """
    overfit_batches: int = 0
    """Train on the first so many batches of the first epoch alone, over and over, and evaluate on the same samples: a
    model that is right can learn them by heart, so its loss goes to zero; 0: all data.
    """
    lr_range_test: str = ""
    """LOW:HIGH, as 1e-5:1: the learning rate rises exponentially from LOW to HIGH over the run's steps, whatever
    optim.lr and schedule say, until the loss explodes; a recommended rate is printed, and RUN/lr_range.json written.
    Nothing is evaluated or saved, and such a run cannot be resumed; empty: an ordinary run.
    """


@dataclass(frozen=True)
class Data:
    """The data."""

    batch_size: int = 128
    """Samples in a step, over all ranks together."""
    root: str = ""
    """Directory with the data files; empty: where the system keeps them, else the ones in the package."""
    augment: str = ""
    """What is done with training samples, as calls, such as 'flip, crop(padding=2)'; --list augment names all."""
    prefetch: int = 0
    """Steps whose batches a thread reads ahead, while others compute: for data on a disk; 0: none."""


@dataclass(frozen=True)
class Initial:
    """The values that a model begins with."""

    weights: str = ""
    """How weights are drawn: an initializer for all, such as he_normal, or rules over their paths, such as
    'conv*: orthogonal; head.*: zeros'; empty: as the model declares. --list init names all.
    """


@dataclass(frozen=True)
class Norm:
    """Batch-norm."""

    statistics: Literal["moving", "population"] = "moving"
    """What a trained model normalises by
    moving: the running averages of the last batches
    population: at the end of the run, the means of all batches' moments, for the final weights
    """


@dataclass(frozen=True)
class Clip:
    """Limits on the gradient, applied after the reduction."""

    norm: float = 0.0
    """Scale the gradient down to this global Euclidean norm; 0: off."""
    value: float = 0.0
    """Limit the size of each component, after clipping by norm; 0: off."""


@dataclass(frozen=True)
class NonFinite:
    """What a NaN or an infinity in the loss, the gradient or a running statistic does."""

    action: Literal["stop", "skip"] = "stop"
    """stop: end the run
    skip: leave out the step, on every rank
    """
    max_skips: int = 10
    """Steps skipped in a row before the run stops all the same."""


@dataclass(frozen=True)
class Evaluation:
    """Evaluations on the validation data."""

    every: int = 1
    """Epochs between evaluations; 0: never."""
    patience: int = 0
    """Evaluations without a better validation loss before the run stops early; 0: never."""
    samples: int = 0
    """Worst samples, and best ones, of the latest evaluation that RUN/samples.json has; 0: none."""


@dataclass(frozen=True)
class Checkpoint:
    """Checkpoints of the run, to resume from."""

    every: int = 0
    """Steps between checkpoints; 0: once an epoch. Every evaluation has one, too."""
    keep: int = 3
    """Newest checkpoints kept, besides the one that was evaluated best."""


@dataclass(frozen=True)
class Plan:
    """Plans: a step is recorded once and repeated without running the model's Python."""

    enabled: bool = True
    """Record and repeat; a model that asks for values of arrays is traced in every step all the same. Changes speed,
    never a result.
    """
    backend: Literal["c", "python"] = "c"
    """c: what lies between two exchanges of ranks is one call of generated C, as far as it can be
    python: every kernel is called from Python
    """
    compile_after: int = 16
    """Repeats of a kind of batch in Python after which C is made, which costs a second or two once; 0: at once."""
    verify_steps: int = 0
    """So many repeated passes of each kind of batch are compared with traced ones, bit by bit; in Python, then in C."""


@dataclass(frozen=True)
class Debug:
    """Checks and recordings to find what is wrong, or slow; they cost time."""

    nans: bool = False
    """Check the result of every operation for NaN and infinity; slow."""
    check_gradients_every: int = 0
    """Steps between checks of the gradient against finite differences, on a few weights of each parameter; 0: never.
    A derivative that is wrong by more than a millionth (a thousandth through kinks of ReLU) ends the run; slow.
    """
    trace: str = ""
    """Steps to record in RUN/trace.json, for ui.perfetto.dev and ddtrain.bench report; 10:20 means steps 10 to 19.
    Steps count from 1, the last is left out; empty: none.
    """


@dataclass(frozen=True)
class Log:
    """What watches the run, beside its own log."""

    to: str = ""
    """Callbacks as calls, such as 'csv, time_limit(minutes=55)'; --list callback names all."""


@dataclass(frozen=True)
class Config:
    """A whole run.

    >>> Config(optim=Optim(lr=0.05)).to_table()["optim"]["lr"]
    0.05
    """

    comm: Comm = Comm()
    run: Run = Run()
    data: Data = Data()
    init: Initial = Initial()
    optim: Optim = Sgd()
    schedule: Schedule = Constant()
    average: Average = NoAverage()
    norm: Norm = Norm()
    clip: Clip = Clip()
    nonfinite: NonFinite = NonFinite()
    eval: Evaluation = Evaluation()
    checkpoint: Checkpoint = Checkpoint()
    log: Log = Log()
    plan: Plan = Plan()
    debug: Debug = Debug()

    def __post_init__(self) -> None:
        former: dict[str, Any] = getattr(self.run, "_former", {})
        for key, value in former.items():
            section, name = renamed.RENAMED[f"run.{key}"].split(".")
            warnings.warn(f"Run({key}=...) is the section {section}'s {name} now", DeprecationWarning, stacklevel=3)
            object.__setattr__(self, section, replace(getattr(self, section), **{name: value}))
        if former:
            object.__setattr__(self, "run", replace(self.run))  # a copy of run without the former fields

    def to_table(self) -> dict[str, Any]:
        """Plain nested dict, the shape of the TOML file and of JSON."""
        return tables.to_table(self)

    def updated(self, table: Mapping[str, Any]) -> Self:
        """A copy with some values replaced; an unknown key or a wrong type is a UsageError.

        >>> Config().updated({"data": {"batch_size": 64}}).data
        Data(batch_size=64, root='', augment='', prefetch=0)
        """
        return tables.update(self, table, renamed.RENAMED)

    def to_toml(self, recipe: str = "") -> str:
        """The TOML text that ``--config`` reads back, naming the recipe if there is one."""
        return toml_files.to_toml(({"recipe": recipe} if recipe else {}) | self.to_table())
