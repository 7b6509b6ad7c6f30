"""One training step: the only place where model, store, autodiff and reducer meet.

bind -> forward (batch-norm reduces its moments inside) -> backward, each finished gradient going to its view and
the reducer starting full buckets -> wait -> [the coordinator decides] -> update
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain import kernels
from ddtrain.autodiff import Tape, record, value_of, walk_back
from ddtrain.comm.protocol import Communicator
from ddtrain.errors import DdtrainError
from ddtrain.nn import Module
from ddtrain.ops import use_communicator
from ddtrain.optim import Optimizer
from ddtrain.parallel import Reducer, make_buckets
from ddtrain.rng import SampleRng
from ddtrain.source import user_line
from ddtrain.store import Alloc, ParamStore
from ddtrain.trainer.config import Config
from ddtrain.trainer.coordinator import StepControl
from ddtrain.trainer.task import Task
from ddtrain.trainer.totals import Totals


def make_store(model: Module, config: Config, alloc: Alloc) -> ParamStore:
    """The model's initial values as flat vectors: drawn from (seed, path), so equal on all ranks."""
    values = model.init(config.run.seed, config.run.dtype)
    trained = {name: declaration.trained for name, declaration in model.declarations().items()}
    return ParamStore(
        {name: value for name, value in values.items() if trained[name]},
        {name: value for name, value in values.items() if not trained[name]},
        config.run.dtype,
        alloc,
    )


class TrainStep:
    """The step of one rank.

    Parameters
    ----------
    comm : the run's communicator; the step takes two duplicates, one for the buckets and one for the collectives
        inside the model (Note [Order of collectives])
    bucket_bytes : see :func:`make_buckets`; changes no bit of any result
    clip_value : limit of each gradient element after scaling by the clip factor, 0 for none
    tape_type : the reverse-mode trace, e.g. one that checks every value
    """

    def __init__(
        self,
        task: Task,
        store: ParamStore,
        optimizer: Optimizer,
        comm: Communicator,
        *,
        seed: int = 0,
        bucket_bytes: int = 1 << 20,
        clip_value: float = 0.0,
        tape_type: Callable[[int], Tape] = Tape,
    ) -> None:
        self.task, self.store, self.optimizer, self.comm = task, store, optimizer, comm
        self.seed, self.clip_value, self.tape_type = seed, clip_value, tape_type
        self.model_comm = comm.duplicate()
        buckets = make_buckets(store.spans, store.dtype.itemsize, bucket_bytes)
        self.reducer = Reducer(store.grads, buckets, comm.duplicate())
        self.sinks = [self._sink(i) for i in range(len(store.names))]
        self.updates: dict[str, Any] = {}
        self.phase = "start"
        self.seconds = {"forward": 0.0, "backward": 0.0, "wait": 0.0}  # of the last step

    def _sink(self, i: int) -> Any:
        view, ready = self.store.grad_views[i], self.reducer.ready

        def sink(g: Any) -> None:
            view[...] = 0 if g is None else g
            ready(i)

        return sink

    @property
    def waited_s(self) -> float:
        """Seconds this rank has been blocked in communication since the start."""
        return self.comm.waited_s + self.model_comm.waited_s + self.reducer.comm.waited_s

    def gradients(self, step: int, batch: Sequence[Any], count: int, first: int = 0, stop_vote: bool = False) -> Totals:
        """Fill the store's gradients with those of the global batch's mean loss; returns the batch's totals.

        Parameters
        ----------
        step : number of the step, counted from 0
        batch : this rank's rows, possibly none
        count : samples in the global batch, over all ranks
        first : position of this rank's first row in the global batch
        stop_vote : whether this rank was asked to stop
        """
        try:  # NaN and infinity are the coordinator's decision, not a warning's
            with use_communicator(self.model_comm), np.errstate(all="ignore"):
                return self._gradients(step, batch, count, first, stop_vote)
        except DdtrainError as error:
            error.at(rank=self.comm.rank, step=step + 1, line=user_line(error.__traceback__))
            raise
        except Exception as error:
            error.add_note(f"rank {self.comm.rank}, step {step + 1}, in {self.phase}")
            raise

    def _gradients(self, step: int, batch: Sequence[Any], count: int, first: int, stop_vote: bool) -> Totals:
        store, run, rng = self.store, {}, SampleRng(self.seed, step, first)
        totals = Totals(stop_votes=stop_vote)

        def losses_of(*parameters: Any) -> Any:
            values = dict(zip(store.names, parameters, strict=True))
            model = self.task.model.bind({**values, **store.state_views}, training=True, rng=rng)
            losses, metrics = self.task.loss(model, *batch)
            totals.add(value_of(losses), {name: value_of(x) for name, x in metrics.items()})
            run.update(model.run.updates)
            return losses

        self.phase, started = "forward", perf_counter()
        losses_N, tape, end = record(losses_of, store.value_views, self.tape_type)
        self.phase, forwarded = "backward", perf_counter()
        vector = totals.pack()
        self.reducer.start(vector)
        g_N = np.full(losses_N.shape, 1 / count, losses_N.dtype)  # a sample's share of the global batch's mean
        walk_back(tape, end, g_N, self.sinks, keep=False)
        self.phase, walked = "reduce", perf_counter()
        self.reducer.finish()
        self.updates = run
        self.seconds = {
            "forward": forwarded - started,
            "backward": walked - forwarded,
            "wait": perf_counter() - walked,
        }
        return totals.unpack(vector)

    def square_norm(self) -> float:
        """The squared global norm of the reduced gradient, the same bits on every rank."""
        return kernels.update.square_norm(self.store.grads)

    def apply(self, control: StepControl) -> None:
        """Do as the coordinator decided: clip, update the parameters, store the new buffers; or nothing at all."""
        self.phase = "update"
        if not control.apply:
            return
        if self.clip_value:
            kernels.update.clip_value_(self.store.grads, self.clip_value / control.scale)
        self.optimizer.apply(self.store.values, self.store.grads, lr=control.lr, scale=control.scale)
        for name, value in self.updates.items():
            self.store.state_views[name][...] = value
