"""One training step: the only place where model, store, autodiff and reducer meet.

for each shard of this rank: bind -> forward (batch-norm reduces its moments inside) -> backward, each finished
gradient going into its row, and with the last shard the reducer starting full buckets; then wait
-> [the coordinator decides] -> update of this rank's share of the parameters
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import data, kernels
from ddtrain.autodiff import Tape
from ddtrain.comm.protocol import Communicator, Node
from ddtrain.errors import NonFiniteError
from ddtrain.ops import use_communicator
from ddtrain.optim import Optimizer
from ddtrain.parallel import Reducer, ShardLayout, ShardRunner, SmallCollectives, TotalsReducer, make_small_collectives
from ddtrain.parallel.node_counters import CONTROL, MODEL, TOTALS
from ddtrain.param_store import ParamStore
from ddtrain.trainer.error_context import error_context
from ddtrain.trainer.step.coordinator import StepControl
from ddtrain.trainer.step.forward_pass import ForwardPass
from ddtrain.trainer.step.gradient_buffer import GradientBuffer
from ddtrain.trainer.step.loss_output import LossOutput
from ddtrain.trainer.step.model_buffers import ModelBuffers
from ddtrain.trainer.step.passes import ShardPasses
from ddtrain.trainer.step.step_timer import StepTimer
from ddtrain.trainer.step.timeline import Timeline
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.totals_exchange import TotalsExchange
from ddtrain.trainer.task import Task

TapeType = Callable[[int], Tape]  # makes a tape for the given number of leaves


class TrainStep:
    """The step of one rank.

    Parameters
    ----------
    comm : the run's communicator; the step takes three duplicates: for the collectives inside the model, for the
        totals, and for rank 0's decisions (Note [Order of collectives])
    node : the ranks that hold parameters and optimizer state together with this one
    layout : says which shards are this rank's
    make_gradient_buffer : makes gradient buffer number k, in which gradients are gathered and summed
    clip_value : limit of each gradient element after scaling by the clip factor, 0 for none
    skips : whether steps may be skipped, so that hooks must be able to undo them
    passes : makes the shards' forward and backward passes; without plans unless given

    Attributes
    ----------
    gradient_buffer : the buffer of this step; a mode may change it between steps
    tape_for : given a shard's number of samples, the type of its tape, e.g. one that checks every value
    timer : the seconds of the last step, by part
    """

    def __init__(
        self,
        task: Task,
        store: ParamStore,
        optimizer: Optimizer,
        comm: Communicator,
        node: Node,
        layout: ShardLayout,
        make_gradient_buffer: Callable[[int], GradientBuffer],
        *,
        seed: int = 0,
        batch_size: int = 1,
        clip_value: float = 0.0,
        skips: bool = False,
        passes: ShardPasses | None = None,
    ) -> None:
        self.task, self.store, self.optimizer, self.comm = task, store, optimizer, comm
        self.node, self.shard_layout, self.seed, self.clip_value, self.skips = node, layout, seed, clip_value, skips
        self.batch_size = batch_size
        self.tape_for: Callable[[int], TapeType] = lambda rows: Tape
        self.passes = passes or ShardPasses(store, enabled=False)
        self.shards = ShardRunner(make_small_collectives(comm.duplicate(), node, MODEL), layout)
        self.make_gradient_buffer, self.gradient_buffer = make_gradient_buffer, make_gradient_buffer(0)
        self.totals_reducer = TotalsReducer(comm.duplicate(), node, layout, TOTALS)
        self.control_comm = make_small_collectives(comm.duplicate(), node, CONTROL)
        self.loss_output = LossOutput(task.loss)
        declared = task.model.declarations()
        # frozen parameters lie in the same vector, but no step leaves a new value of them
        states = {path: view for path, view in store.state_views.items() if not declared[path].trained}
        buffers = ModelBuffers(declared, states, layout, comm)
        self.totals_exchange = TotalsExchange(comm, layout, self.totals_reducer, self.loss_output, buffers)
        self.updates: dict[str, Any] = {}  # new values of the model's buffers from this step's forward passes
        self.phase, self._waits = "start", 0.0
        self.timer = StepTimer()

    @property
    def reducer(self) -> Reducer:
        """The reducer that sums this step's gradients."""
        return self.gradient_buffer.reducer

    @property
    def gradient_bytes(self) -> dict[str, int]:
        """Bytes that this rank has sent to other nodes for gradients, and would have sent for exact sums."""
        hook = self.reducer.hook
        return {"sent": hook.bytes_sent, "exact": hook.bytes_exact}

    @property
    def timeline(self) -> Timeline | None:
        """The timeline that records this rank's steps; None while nothing is recorded."""
        return self.timer.timeline

    @timeline.setter
    def timeline(self, timeline: Timeline | None) -> None:
        self.timer.timeline = timeline
        for reducer in (self.reducer, self.reducer.predecessor):
            if reducer is not None:
                reducer.watcher = timeline
        self.shards.channel = self.shards.comm if timeline is None else timeline.watch(self.shards.comm)

    @property
    def model_comm(self) -> SmallCollectives:
        """The communicator of collectives inside the model."""
        return self.shards.comm

    @property
    def waited_s(self) -> float:
        """Seconds this rank has been blocked in communication since the start."""
        channels: list[Any] = [self.comm, self.shards, self.control_comm, self.totals_reducer, self.reducer.hook]
        channels += [self.node] if self.node.column is None else [self.node, self.node.column]
        return float(sum(channel.waited_s for channel in channels))

    def gradients(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """Fill this rank's share of the gradients with those of the global batch's mean loss; returns its totals.

        Parameters
        ----------
        step : number of the step, counted from 0
        rows : the samples of the global batch, the same on every rank; each rank takes its shards' part
        stop_vote : whether this rank was asked to stop
        """
        with self.at(step):
            totals = self._begin(step, rows, stop_vote)
            self.finish(self.gradient_buffer)
            return totals

    def begin(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """Like :meth:`gradients`, but without waiting for the gradients' sum in :attr:`gradient_buffer`."""
        with self.at(step):
            return self._begin(step, rows, stop_vote)

    def at(self, step: int) -> error_context:
        """Says of an error inside in which step and phase it was."""
        return error_context(lambda: self.phase, self.comm.rank, step + 1, rank=self.comm.rank)

    def _begin(self, step: int, rows: Any, stop_vote: bool) -> Totals:
        self.timer.reset()
        if self.skips:
            self.reducer.hook.snapshot()
        self.totals_exchange.begin(step)
        self.shards.map(lambda shard, peers: self._shard(step, rows, shard, peers, stop_vote))
        self.phase, self._waits = "reduce", perf_counter()
        totals, self.updates = self.totals_exchange.wait()
        totals.buffers_overflow = not all(self.store.stays_finite(name, x) for name, x in self.updates.items())
        return totals

    def finish(self, gradient_buffer: GradientBuffer) -> None:
        """Wait for the sum of gradients in a buffer, by default this step's."""
        gradient_buffer.reducer.finish()
        self.timer.add("wait", self._waits)

    def forward_pass(self, step: int, rows: Any, first: int, last: int, dtype: DTypeLike) -> ForwardPass:
        """The loss of samples ``first`` to ``last`` of a global batch, as a function of the model's values."""
        epoch = data.position(step, len(self.task.train), self.batch_size).epoch
        return ForwardPass(self.task, self.loss_output, self.seed, step, rows, first, last, dtype, epoch)

    def _shard(self, step: int, rows: Any, shard: int, peers: Any, stop_vote: bool) -> None:
        """Run forward and backward of one shard."""
        store, k, count = self.store, shard - self.shard_layout.shards[0], len(rows)
        first, last = data.shard_bounds(count, shard, self.shard_layout.count)
        self.phase, began = "data", perf_counter()
        forward = self.forward_pass(step, rows, first, last, store.dtype)
        self.timer.add("data", began)
        run = self.passes.make(forward, (k, peers), count, self.tape_for(last - first))
        try:
            with use_communicator(peers):
                self.phase, began = "forward", perf_counter()
                losses_N = run.forward()
                self.timer.add("forward", began, peers)
                self.shards.check_order(k)  # raises if an earlier shard waits for an exchange that this one skipped
                totals = Totals(stop_votes=stop_vote and k == 0)
                totals.add(losses_N, run.metrics)
                if self.totals_exchange.add(totals, run.updates):
                    # before this rank waits for all others, because one of them may still be in an exchange
                    self.shards.end_pass()
                    self.totals_exchange.start()
                    self.reducer.start()
                self.phase, began = "backward", perf_counter()
                g_N = np.empty(losses_N.shape, losses_N.dtype)
                g_N.fill(1 / count)  # each sample's weight in the mean over the global batch
                run.backward(g_N, self.gradient_buffer.sinks[k])
                self.timer.add("backward", began, peers)
        except NonFiniteError as error:
            row = error.place.pop("row", None)
            if row is not None:
                error.at(sample=int(rows[first + row]))
            raise

    def square_norm(self) -> float:
        """The squared global norm of the reduced gradient, the same bits on every rank. Collective."""
        return self.reducer.square_norm()

    def apply(self, control: StepControl, gradient_buffer: GradientBuffer | None = None) -> None:
        """Do as ``control`` says: clip, update the parameters and store the new buffers, or skip the step.

        Returns when all parameters of the node are updated. Collective.

        Parameters
        ----------
        gradient_buffer : the gradients to apply, without storing buffers; by default this step's, with them
        """
        self.phase, began = "update", perf_counter()
        if not control.apply:
            if self.skips:
                self.reducer.hook.roll_back()
            return
        if gradient_buffer is None:
            self.store_buffers()
            gradient_buffer = self.gradient_buffer
        grads, spans = gradient_buffer.grads, gradient_buffer.reducer.spans
        if self.clip_value:
            for span in spans:
                kernels.optimizer_update.clip_value_(grads[span], self.clip_value / control.scale)
        self.optimizer.apply(self.store.values, grads, lr=control.lr, scale=control.scale, spans=spans)
        gradient_buffer.reducer.wait_updated()
        self.timer.add("update", began)

    def store_buffers(self) -> None:
        """Store the values that this step has given the model's buffers."""
        for name, value in self.updates.items():
            self.store.state_views[name][...] = value
