"""One training step: the only place where model, store, autodiff and reducer meet.

for each shard of this rank: bind -> forward (batch-norm reduces its moments inside) -> backward, each finished
gradient going into its row, and with the last shard the reducer starting full buckets; then wait
-> [the coordinator decides] -> update of this rank's share of the parameters
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain import data, kernels
from ddtrain.autodiff import Tape, record, value_of, walk_back
from ddtrain.comm.protocol import Communicator, Node
from ddtrain.errors import NonFiniteError
from ddtrain.ops import use_communicator
from ddtrain.optim import Optimizer
from ddtrain.parallel import Reducer, ShardLayout, ShardRunner, SmallCollectives, TotalsReducer, make_small_collectives
from ddtrain.parallel.node_counters import CONTROL, MODEL, TOTALS
from ddtrain.rng import SampleRng
from ddtrain.store import ParamStore
from ddtrain.trainer.error_context import error_context
from ddtrain.trainer.records.timeline import Timeline
from ddtrain.trainer.step.coordinator import StepControl
from ddtrain.trainer.step.gradient_buffer import Lane
from ddtrain.trainer.step.loss_output import Returned
from ddtrain.trainer.step.model_buffers import Buffers
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.task import Task

TapeType = Callable[[int], Tape]  # makes a tape for so many leaves


class TrainStep:
    """The step of one rank.

    Parameters
    ----------
    comm : the run's communicator; the step takes three duplicates: for the collectives inside the model, for the
        totals, and for rank 0's decisions (Note [Order of collectives])
    node : the ranks that hold parameters and optimizer state together with this one
    layout : which shards are this rank's
    make_lane : makes the lane of a number: where gradients go, and are summed
    clip_value : limit of each gradient element after scaling by the clip factor, 0 for none
    skips : whether steps may be skipped, and must be undone then

    Attributes
    ----------
    lane : that of this step; a mode may change it between steps
    tape_for : the reverse-mode trace of a shard with so many samples, e.g. one that checks every value
    seconds : of the last step, by part; ``wait`` is what communication takes beyond the backward pass
    """

    def __init__(
        self,
        task: Task,
        store: ParamStore,
        optimizer: Optimizer,
        comm: Communicator,
        node: Node,
        layout: ShardLayout,
        make_lane: Callable[[int], Lane],
        *,
        seed: int = 0,
        clip_value: float = 0.0,
        skips: bool = False,
    ) -> None:
        self.task, self.store, self.optimizer, self.comm = task, store, optimizer, comm
        self.node, self.shard_layout, self.seed, self.clip_value, self.skips = node, layout, seed, clip_value, skips
        self.tape_for: Callable[[int], TapeType] = lambda rows: Tape
        self.shards = ShardRunner(make_small_collectives(comm.duplicate(), node, MODEL), layout)
        self.make_lane, self.lane = make_lane, make_lane(0)
        self.totals_reducer = TotalsReducer(comm.duplicate(), node, layout, TOTALS)
        self.control_comm = make_small_collectives(comm.duplicate(), node, CONTROL)
        self.buffers = Buffers(task.model.declarations(), store.state_views, layout, comm)
        self.updates: dict[str, Any] = {}  # of buffers, by this step's forward passes
        self.returned = Returned(task.loss)
        self.phase, self._waits = "start", 0.0
        self.seconds = dict.fromkeys(("data", "forward", "backward", "wait", "update"), 0.0)
        self._timeline: Timeline | None = None

    @property
    def reducer(self) -> Reducer:
        """What sums this step's gradients."""
        return self.lane.reducer

    @property
    def gradient_bytes(self) -> dict[str, int]:
        """Bytes that this rank has sent to other nodes for gradients, or in their place, and would have, if exact."""
        hook = self.reducer.hook
        return {"sent": hook.bytes_sent, "exact": hook.bytes_exact}

    @property
    def timeline(self) -> Timeline | None:
        """What records this rank's steps, None while nothing does."""
        return self._timeline

    @timeline.setter
    def timeline(self, timeline: Timeline | None) -> None:
        self._timeline = timeline
        for reducer in (self.reducer, self.reducer.predecessor):
            if reducer is not None:
                reducer.watcher = timeline
        self.shards.channel = self.shards.comm if timeline is None else timeline.watch(self.shards.comm)

    @property
    def model_comm(self) -> SmallCollectives:
        """What collectives inside the model go over."""
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
        rows : the samples of the global batch, the same on every rank; each takes its shards' of them
        stop_vote : whether this rank was asked to stop
        """
        with self._at(step):
            totals = self._begin(step, rows, stop_vote)
            self.finish(self.lane)
            return totals

    def begin(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """As :meth:`gradients`, but leave the sum of the gradients under way in :attr:`lane`."""
        with self._at(step):
            return self._begin(step, rows, stop_vote)

    def _at(self, step: int) -> error_context:
        return error_context(lambda: self.phase, self.comm.rank, step + 1, rank=self.comm.rank)

    def _begin(self, step: int, rows: Any, stop_vote: bool) -> Totals:
        self.seconds = dict.fromkeys(self.seconds, 0.0)
        if self.skips:
            self.reducer.hook.snapshot()
        sums: list[Totals] = []
        lefts: list[dict[str, Any]] = []
        reduced: list[Any] = []

        def forwarded(totals: Totals, left: dict[str, Any]) -> None:
            sums.append(totals)
            lefts.append(left)
            if len(sums) == len(self.shard_layout.shards):
                reduced.append(self._start(step, sums, lefts))

        self.shards.map(lambda shard, peers: self._shard(step, rows, shard, peers, stop_vote, forwarded))
        self.phase, self._waits = "reduce", perf_counter()
        self.totals_reducer.wait()
        (whole,) = reduced
        own = whole.size - self.buffers.size
        totals = Totals.unpack(whole[:own], self.returned.agree(self.comm))
        self.updates = self.buffers.folded(whole[own:], lefts, step, totals.count)
        totals.unsound = not all(self.store.stays_finite(name, x) for name, x in self.updates.items())
        return totals

    def finish(self, lane: Lane) -> None:
        """Wait for the sum of a step's gradients: this one's, or one begun before."""
        lane.reducer.finish()
        self._took("wait", self._waits)

    def _start(self, step: int, sums: list[Totals], lefts: list[dict[str, Any]]) -> Any:
        """Begin to sum the totals of all shards, and buffers: in float64, along the tree like everything."""
        self.shards.end_pass()  # of the forward pass: what follows may wait for all ranks
        names = self.returned.agree(self.comm)
        packed = [totals.pack(names) for totals in sums]
        if self.buffers.size:
            own = [self.buffers.row(left, step, totals.count) for totals, left in zip(sums, lefts, strict=True)]
            packed = [np.concatenate(parts) for parts in zip(packed, own, strict=True)]
        rows = self.shard_layout.block_sums(packed)
        whole = np.empty_like(rows[0])
        self.totals_reducer.start(rows, whole)
        self.reducer.start()
        return whole

    def _shard(
        self, step: int, rows: Any, shard: int, peers: Any, stop_vote: bool, forwarded: Callable[[Totals, Any], None]
    ) -> None:
        """Forward and backward of one shard."""
        store, k, count = self.store, shard - self.shard_layout.shards[0], len(rows)
        first, last = data.shard_bounds(count, shard, self.shard_layout.count)
        self.phase, began = "data", perf_counter()
        batch, rng = data.batch_of(self.task.train, rows[first:last], store.dtype), SampleRng(self.seed, step, first)
        self._took("data", began)
        totals, left = Totals(stop_votes=stop_vote and k == 0), dict[str, Any]()

        def losses_of(*parameters: Any) -> Any:
            values = dict(zip(store.names, parameters, strict=True))
            model = self.task.model.bind({**values, **store.state_views}, training=True, rng=rng)
            losses, metrics = self.returned.read(self.task.loss(model, *batch), last - first, batch)
            totals.add(value_of(losses), metrics)
            left.update(model.run.updates)
            return losses

        try:
            with use_communicator(peers):
                self.phase, began = "forward", perf_counter()
                losses_N, tape, end = record(losses_of, store.value_views, self.tape_for(last - first))
                self._took("forward", began, peers)
                self.shards.check_order(k)  # or this shard's gradients could be ready before the sum of all has begun
                forwarded(totals, left)
                self.phase, began = "backward", perf_counter()
                g_N = np.full(losses_N.shape, 1 / count, losses_N.dtype)  # a sample's share of the global batch's mean
                walk_back(tape, end, g_N, self.lane.sinks[k], keep=False)
                self._took("backward", began, peers)
        except NonFiniteError as error:
            row = error.place.pop("row", None)
            if row is not None:
                error.at(sample=int(rows[first + row]))
            raise

    def square_norm(self) -> float:
        """The squared global norm of the reduced gradient, the same bits on every rank. Collective."""
        return self.reducer.square_norm()

    def apply(self, control: StepControl, lane: Lane | None = None) -> None:
        """Do as the coordinator decided: clip, update the parameters, store the new buffers; or nothing at all.

        Returns when all of the node's parameters are new. Collective.

        Parameters
        ----------
        lane : the gradients to apply, without buffers; this step's unless told
        """
        self.phase, began = "update", perf_counter()
        if not control.apply:
            if self.skips:
                self.reducer.hook.roll_back()
            return
        if lane is None:
            self.store_buffers()
            lane = self.lane
        grads, spans = lane.grads, lane.reducer.spans
        if self.clip_value:
            for span in spans:
                kernels.optimizer_update.clip_value_(grads[span], self.clip_value / control.scale)
        self.optimizer.apply(self.store.values, grads, lr=control.lr, scale=control.scale, spans=spans)
        lane.reducer.wait_updated()
        self._took("update", began)

    def store_buffers(self) -> None:
        """Let the buffers have the values that this step has given them."""
        for name, value in self.updates.items():
            self.store.state_views[name][...] = value

    def _took(self, part: str, began: float, peers: Any = None) -> None:
        """A part is over: count its seconds, without those in which other shards of this rank had their turn."""
        for first, last in _between(began, perf_counter(), getattr(peers, "suspended", ())):
            self.seconds[part] += last - first
            if self._timeline is not None:
                self._timeline.span(part, first, last)


def _between(began: float, ended: float, away: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """What is left of a span without the disjoint ones in ``away`` that lie within it.

    >>> list(_between(1, 9, [(0, 0.5), (3, 4), (6, 7)]))
    [(1, 3), (4, 6), (7, 9)]
    """
    for left, back in away:
        if left >= began:
            yield began, left
            began = back
    yield began, ended
