"""What each rank of ``bench overlap`` measures, by turns: computing alone, communicating alone, and the whole step.

Computing alone is the whole step of a null run on every rank at once; communicating alone, every bucket of the reducer
at once, with nothing between. The model is a perceptron of equal layers, so that communication can begin early and
little is left for the end.
"""

# D width of every layer
from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain import models
from ddtrain.bench.peers.ddtrain_steps import OPTIM, training
from ddtrain.bench.timing import Contestant, alternate
from ddtrain.bench.workloads import Workload, vectors
from ddtrain.comm import Communicator
from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.trainer.config.config import Comm, Config, Data
from ddtrain.trainer.loop import Trainer

D = 256
LAYERS = 48
_PROBES = (64, 256)  # batch sizes at which computing is timed, to choose the batch of the measurement
_PROBE_STEPS = 15  # enough steps that the first ones, which touch new memory, do not count
_FEWEST = 8  # samples


def run(
    comm: Communicator, batch: int, buckets: Sequence[int], balance: float, mode: str, repeats: int
) -> dict[str, Any]:
    """This rank's seconds by contestant, ``repeats`` of each; and facts about the job. Collective.

    Parameters
    ----------
    batch : samples in a step of one rank; 0: as many as make computing take ``balance`` times as long as communicating
    buckets : sizes of bucket, in bytes
    mode : of the whole step, as ``--comm.mode``
    """
    batch = batch or _balanced(comm, buckets, balance)
    with ExitStack() as stack:
        null = stack.enter_context(_trainer(NullCommunicator(comm.size), batch))
        contestants = [_contestant("compute", null.take_step)]
        for size in buckets:
            alone = stack.enter_context(_trainer(comm, batch, size))
            whole = stack.enter_context(_trainer(comm, batch, size, mode))
            contestants.append(_contestant(f"communicate {size}", _reduction(alone)))
            contestants.append(_contestant(f"step {size}", whole.take_step))
        seconds = alternate(contestants, repeats, comm.barrier)
        facts = {"batch": batch, "gradient_bytes": null.store.values.nbytes}
    return {**facts, "seconds": {name: times.tolist() for name, times in seconds.items()}}


def _trainer(comm: Communicator, batch: int, bucket_bytes: int = Comm.bucket_bytes, mode: Any = "sync") -> Any:
    sizes = (D,) * (LAYERS + 1)
    workload = Workload(batch, models.Mlp, {"sizes": sizes}, vectors(D, classes=D), "")
    exchange, samples = Comm(bucket_bytes=bucket_bytes, mode=mode), Data(batch_size=batch * comm.size)
    config = Config(comm=exchange, data=samples, optim=OPTIM)
    return training(comm, "overlap", config, workload.task(comm.size))


def _contestant(name: str, work: Callable[[], object]) -> Contestant:
    def timed() -> dict[str, float]:
        started = perf_counter()
        work()
        return {name: perf_counter() - started}

    return timed


def _reduction(trainer: Trainer) -> Callable[[], None]:
    """Every bucket of a step, all ready at once."""
    reducer, totals_reducer, totals = trainer.train_step.reducer, trainer.train_step.totals_reducer, np.zeros(3)
    rows = [totals.copy() for _ in reducer.layout.blocks]

    def reduce() -> None:
        totals_reducer.start(rows, totals)
        reducer.start()
        for i in range(len(trainer.store.names)):
            reducer.ready(i)
        totals_reducer.wait()
        reducer.finish()

    return reduce


def _balanced(comm: Communicator, buckets: Sequence[int], balance: float) -> int:
    """The batch at which the time for computing, a line through two probes, is what it should be."""
    computing = []
    for batch in _PROBES:
        with _trainer(NullCommunicator(comm.size), batch) as trainer:
            computing.append(_median_s(comm, trainer.take_step))
    communicating = []
    for size in buckets:
        with _trainer(comm, _PROBES[0], size) as trainer:
            communicating.append(_median_s(comm, _reduction(trainer)))
    a_sample = max(computing[1] - computing[0], 1e-6) / (_PROBES[1] - _PROBES[0])
    wanted = _PROBES[0] + (balance * min(communicating) - computing[0]) / a_sample
    return int(comm.exchange_objects(max(_FEWEST, round(wanted)))[0])


def _median_s(comm: Communicator, work: Callable[[], object]) -> float:
    times = alternate([_contestant("work", work)], _PROBE_STEPS, comm.barrier)["work"]
    return float(max(comm.exchange_objects(float(np.median(times)))))
