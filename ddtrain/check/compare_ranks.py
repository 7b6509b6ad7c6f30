"""One rank against several: the first layer whose output differs, and the kind of fault that this is.

Every rank runs the same samples twice: all of them by itself, and its own part together with the other ranks. Both
passes tell what every layer gave, and a sample's row must be the same in both. In float64 rounding stays far below the
limit, so that what exceeds it is a fault. First each pass is made twice, as a layer with random numbers of its own
would differ from itself already.

Note [Limit of rounding]
Two outputs are the same if they differ by less than the square root of their type's smallest relative step, times the
largest output: 1.5e-8 in float64, 3e-4 in float32. Sums in another order differ by some 1e-15, and faults by much more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.check.findings import Finding
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.data.checksum import checksum
from ddtrain.data.dataset import has_order
from ddtrain.diagnose.layer_calls import LayerCall, LayerCalls, arrays_in, value_of_all
from ddtrain.ops import use_communicator
from ddtrain.optim import Sgd
from ddtrain.optim.averages import NoAverage
from ddtrain.rng import SampleRng
from ddtrain.trainer.config.config import Comm, Config
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.step.train_step import TrainStep
from ddtrain.trainer.task import Task

_A_RANK = 4  # samples of each rank; one more makes the parts uneven
LOSS = "the loss"

_DRAWS = "Draw with self.run.uniform(purpose, shape), which gives a sample the same numbers on every rank."
_NOT_IN_EVALUATION = "Draw random numbers only where self.run.training is true."
_STATISTICS = (
    "What is computed of a whole batch, such as a mean, is to be summed over ranks: ddtrain.ops.allreduce, or "
    "nn.BatchNorm(sync=True)."
)
_STORED = "In evaluation, a sample's output is to depend on that sample and on stored values alone."
_READ = "Dataset.batch is to give a sample the same values at every reading: draw with ddtrain.rng, keyed by sample."
_ALONE = "Dataset.batch is to give a sample the same values, whichever others are read with it."
_SEED = "Read the same files on every rank, and draw with a fixed seed."


@dataclass(frozen=True)
class _Fault:
    """Where two passes differ first: the position among the calls, the layer in words, and the one before it."""

    position: int
    where: str
    by: float
    before: str = ""

    @property
    def last_alike(self) -> str:
        """Where the fault is not yet, in words."""
        return f"; {self.before} is the last that agrees" if self.before else ""


def compare_ranks(comm: Communicator, task: Task, config: Config) -> list[Finding]:
    """Whether several ranks read the same data, and compute with it what one rank does. Collective.

    Returns
    -------
    Two findings, on data and on layers, the same on every rank.
    """
    config = _plain(config, comm.size, task.train)
    together = build_step(comm, task, config)
    alone = build_step(LocalCommunicator(), task, config)
    rows = data.order_of(task.train, seed=config.run.seed, epoch=0)[: config.data.batch_size]
    said = _compare_data(comm, together, rows)
    if said is not None:
        return [said]
    readings = f"{len(rows)} samples, read whole, in parts and twice, are the same on {comm.size} ranks"
    found = [Finding("data", True, readings)]
    return [*found, _compare_layers(comm, together, alone, rows)]


def _plain(config: Config, size: int, train: data.Dataset) -> Config:
    """The configuration of a small step in float64, without what has no bearing on a forward pass."""
    batch = min(config.data.batch_size, len(train), _A_RANK * size + 1)
    if has_order(train):  # streams, each of which has one sample in a batch
        batch = config.data.batch_size
    table = {"run": {"dtype": "float64", "shards": 0, "accumulate": 1, "lr_range_test": ""}}
    small = config.updated({**table, "data": {"batch_size": max(batch, size)}})
    return replace(small, optim=Sgd(), average=NoAverage(), comm=Comm(backend=config.comm.backend))


# -- data -----------------------------------------------------------------------------------------------------------


def _compare_data(comm: Communicator, step: TrainStep, rows: Any) -> Finding | None:
    """What is wrong with the data, or None."""
    one_by_one = [_checksums(step, rows[k : k + 1])[0] for k in range(len(rows))]
    everybody = comm.exchange_objects([_checksums(step, rows), _checksums(step, rows), one_by_one])
    for rank, (first, again, alone) in enumerate(everybody):
        for what, remedy, other in (
            ("differs from one reading to the next", _READ, again),
            ("depends on which others are read with it", _ALONE, alone),
            ("is another than on rank 0", _SEED, everybody[0][0]),
        ):
            for k, sample in enumerate(rows):
                if first[k] != other[k]:
                    return Finding("data", False, f"training sample {sample} on rank {rank} {what}", remedy)
    return None


def _checksums(step: TrainStep, rows: Any) -> list[str]:
    """Of each sample, as it is trained on and as it is evaluated."""
    arrays = [np.asarray(x) for batch in (step_batch(step, rows), _evaluated(step, rows)) for x in batch]
    return [checksum([x[k : k + 1] for x in arrays]) for k in range(len(rows))]


def step_batch(step: TrainStep, rows: Any) -> tuple[Any, ...]:
    """The samples as a step of the first epoch trains on them."""
    return data.training_batch_of(step.task.train, rows, step.store.dtype, seed=step.seed, epoch=0)


def _evaluated(step: TrainStep, rows: Any) -> tuple[Any, ...]:
    return data.batch_of(step.task.train, rows, step.store.dtype)


# -- layers ---------------------------------------------------------------------------------------------------------


def _compare_layers(comm: Communicator, together: TrainStep, alone: TrainStep, rows: Any) -> Finding:
    """The first layer that differs, in evaluation or in training, from itself or from one rank."""
    for training, phase, draws, batch in (
        (False, "evaluation", _NOT_IN_EVALUATION, _STORED),
        (True, "training", _DRAWS, _STATISTICS),
    ):
        first = _passes(alone, rows, training)[0]
        again = _passes(alone, rows, training)[0]
        fault = _agreed(comm, _first_difference(first[0], again[0], (0, len(rows)), len(rows)))
        if fault is not None:
            text = f"{fault.where} gives other numbers when it is run again in {phase}: random numbers of its own?"
            return Finding("ranks", False, text, draws)
        faults = [
            _first_difference(first[0], seen, part, len(rows)) for seen, part in _passes(together, rows, training)
        ]
        fault = _agreed(comm, min((f for f in faults if f), key=lambda f: f.position, default=None))
        if fault is not None:
            text = f"{fault.where} differs in {phase}: on {comm.size} ranks by up to {fault.by:.2g} from one rank"
            text += fault.last_alike
            return Finding("ranks", False, text, batch)
    names = sum(call.path != LOSS for call in first[0])
    return Finding("ranks", True, f"{names} layers give on {comm.size} ranks what they give on one")


def _passes(step: TrainStep, rows: Any, training: bool) -> list[tuple[list[LayerCall], tuple[int, int]]]:
    """What the layers gave for each of this rank's parts of the samples, and which part that is. Collective."""

    def forward(shard: int, peers: Any) -> tuple[list[LayerCall], tuple[int, int]]:
        first, last = data.shard_bounds(len(rows), shard, step.shard_layout.count)
        batch = (step_batch if training else _evaluated)(step, rows[first:last])
        random = SampleRng(step.seed, 0, first) if training else None
        model, seen = step.task.model.bind(step.store.tensors, training=training, rng=random), LayerCalls()
        model.run.watcher = seen
        with use_communicator(peers), np.errstate(all="ignore"):
            returned = step.task.loss(model, *batch)
        seen.ended.append(LayerCall(LOSS, "", 0, tuple(arrays_in(value_of_all(returned)))))
        return seen.ended, (first, last)

    return step.shards.map(forward)


def _first_difference(
    whole: Sequence[LayerCall], part: Sequence[LayerCall], bounds: tuple[int, int], samples: int
) -> _Fault | None:
    """The first call whose output differs; ``part`` has the samples in ``bounds`` of those of ``whole``."""
    for position, (one, other) in enumerate(zip(whole, part, strict=False)):
        if one.path != other.path:
            return _Fault(position, f"the order of layers ({_named(one)}, {_named(other)})", np.inf)
        for x, y in zip(one.outputs, other.outputs, strict=False):
            if x.ndim and len(x) == samples and y.ndim and len(y) == bounds[1] - bounds[0]:
                by = _distance(x[slice(*bounds)], y)
                if by > 0:
                    return _Fault(position, _named(one), by, _named(whole[position - 1]) if position else "")
    if len(whole) != len(part):
        return _Fault(min(len(whole), len(part)), "the number of layers that are called", np.inf)
    return None


def _named(call: LayerCall) -> str:
    return LOSS if call.path == LOSS else f"layer {call.path!r} ({call.kind})" if call.path else f"the {call.kind}"


def _distance(x: Any, y: Any) -> float:
    """The largest difference, 0 if it may be rounding (Note [Limit of rounding])."""
    if x.shape != y.shape:
        return float(np.inf)
    if not x.size or x.dtype.kind not in "fc":
        return float(np.inf if not np.array_equal(x, y) else 0.0)
    both = np.isfinite(x) & np.isfinite(y)
    if not np.array_equal(np.isfinite(x), np.isfinite(y)):
        return float(np.inf)
    by = float(np.abs(np.where(both, x - y, 0)).max())
    largest = float(np.abs(np.where(both, x, 0)).max())
    return by if by > np.sqrt(np.finfo(x.dtype).eps) * largest else 0.0


def _agreed(comm: Communicator, fault: _Fault | None) -> _Fault | None:
    """The first fault of all ranks, on each. Collective."""
    told = comm.exchange_objects([fault.position, fault.where, fault.by, fault.before] if fault else None)
    faults = [_Fault(*each) for each in told if each]
    return min(faults, key=lambda each: each.position, default=None)
