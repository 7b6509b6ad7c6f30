"""What a diagnosis needs to know of a training step: enough to walk through one again, and no more.

``trainer.step.TrainStep`` is such a step. The trainer calls the diagnoses, so they must not import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import DTypeLike

from ddtrain.comm.protocol import Communicator
from ddtrain.nn.binding import Watcher
from ddtrain.parallel import ShardLayout, ShardRunner, SmallCollectives
from ddtrain.param_store import ParamStore


class ForwardPass(Protocol):
    """The loss of some samples of a step, as a function of the model's values."""

    def __call__(self, values: Mapping[str, Any], *, watcher: Watcher | None = None) -> Any:
        """One loss a sample, from the parameters and buffers by path; ``watcher`` is told of the calls of modules."""
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
    """

    store: ParamStore
    comm: Communicator
    shard_layout: ShardLayout
    shards: ShardRunner
    seed: int

    @property
    def model_comm(self) -> SmallCollectives:
        """What collectives inside the model go over."""
        ...

    def forward_pass(self, step: int, rows: Any, first: int, last: int, dtype: DTypeLike) -> ForwardPass:
        """The loss of samples ``first`` to ``last`` of a global batch, at any values."""
        ...
