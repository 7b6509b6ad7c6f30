"""A run's state and the parts that hold it: what a checkpoint is made of, and restored into."""

from __future__ import annotations

from dataclasses import dataclass, field

from ddtrain import data
from ddtrain.data.sampler import Position
from ddtrain.diagnose import count_nonfinite
from ddtrain.optim import Optimizer
from ddtrain.param_store import ParamStore
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.modes import Sync
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.task import Task


@dataclass
class RunState:
    """One rank's run, between two steps.

    Parameters
    ----------
    data : describes the training data, see ``task.describe_data``
    mode : holds the step with its parameters, and the optimizer
    coordinator : holds the state of rank 0's decisions

    Attributes
    ----------
    step : steps taken
    metrics : figures of the latest evaluation
    evaluated : the step after which ``metrics`` were found
    population : the step after which batch-norm's statistics were computed over all batches; 0: they have not been
    never_finite : names of the model's tensors that hold infinities from the start, such as a mask
    """

    config: Config
    task: Task
    data: str
    mode: Sync
    coordinator: Coordinator
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    evaluated: int = 0
    population: int = 0
    never_finite: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.never_finite = frozenset(count_nonfinite(self.store.tensors))

    @property
    def store(self) -> ParamStore:
        """The model's values."""
        return self.mode.train_step.store

    @property
    def optimizer(self) -> Optimizer:
        """This rank's optimizer."""
        return self.mode.train_step.optimizer

    def position(self, step: int) -> Position:
        """The epoch of a step, counted from 0, and the number of the step's batch in it."""
        return data.position(step, len(self.task.train), self.config.data.batch_size)
