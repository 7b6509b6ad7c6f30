"""What a diagnosis needs to know of a training step: enough to walk through one again, and no more.

``trainer.step.TrainStep`` is such a step. The trainer calls the diagnoses, so they must not import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ddtrain.comm.protocol import Communicator
from ddtrain.data import Dataset
from ddtrain.nn import Module
from ddtrain.parallel import ShardLayout, ShardRunner, SmallCollectives
from ddtrain.store import ParamStore


class StepTask(Protocol):
    """The model, ``loss(model, *batch)``, and the training data."""

    @property
    def model(self) -> Module: ...
    @property
    def loss(self) -> Callable[..., Any]: ...
    @property
    def train(self) -> Dataset: ...


class LossReader(Protocol):
    """Looks at what a loss function returned."""

    def read(self, returned: Any, rows: int, batch: Sequence[Any] = ()) -> tuple[Any, dict[str, Any]]:
        """The losses, and the metrics by name."""
        ...


class Step(Protocol):
    """A training step of one rank.

    Attributes
    ----------
    store : the parameters and buffers
    comm : the run's communicator
    shard_layout : which shards are this rank's
    shards : runs each of them
    seed : of the run
    returned : reads what the loss function returns
    """

    @property
    def task(self) -> StepTask: ...
    @property
    def returned(self) -> LossReader: ...
    @property
    def model_comm(self) -> SmallCollectives:
        """What collectives inside the model go over."""
        ...

    store: ParamStore
    comm: Communicator
    shard_layout: ShardLayout
    shards: ShardRunner
    seed: int
