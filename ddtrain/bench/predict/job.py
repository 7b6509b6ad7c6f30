"""What each rank of ``bench predict`` measures: a step's moments, communication free; the cost of sums; real steps."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain.bench import trainables
from ddtrain.bench.comm import job as comm_job
from ddtrain.bench.model_collectives import Call, listening
from ddtrain.bench.peers.ddtrain_steps import training
from ddtrain.bench.scaling.job import TURN_S, steps_of
from ddtrain.bench.timing import Contestant, Turn, steps_in_a_turn, turn
from ddtrain.comm import Communicator, make
from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.trainer.loop import Trainer

# message sizes in bytes, to which the straight line is fitted
SUMS = (4, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22)
_SUM_SECONDS = 0.1  # seconds of sums measured at each size
_WARM_UP, _FEWEST = 3, 2  # numbers of steps
_MOST_STEPS = 64  # how many steps of a turn have their times kept


def run(
    comm: Communicator,
    subject: str,
    batch: int,
    mode: str,
    seconds: float,
    real: bool,
    bucket_bytes: int = 0,
    share: bool = True,
) -> dict[str, Any]:
    """This rank's profile; of several ranks, the cost of sums, too; and real steps, if asked for. Collective.

    Parameters
    ----------
    share : whether real ranks share the node's memory, or exchange messages
    """
    job = trainables.find(subject, batch)
    memory, size = "auto" if share else "off", bucket_bytes or job.config.comm.bucket_bytes
    job = replace(job, config=job.config.updated({"comm": {"bucket_bytes": size, "node_memory": memory}}))
    config, task = job.config_of(mode, comm.size), job.task(comm.size)
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(stack.enter_context(_alone(comm.size, job, mode))))
        contestants: dict[str, Contestant] = {"profile": recorder.step}
        if real:
            contestants["ours"] = steps_of(stack.enter_context(training(comm, subject, config, task)))
        steps = {name: steps_in_a_turn(comm, step, TURN_S, _WARM_UP, _FEWEST) for name, step in contestants.items()}
        recorder.rows.clear()
        turns: dict[str, list[Turn]] = {name: [] for name in contestants}
        for _ in range(max(1, round(seconds / TURN_S))):
            for name, step in contestants.items():
                turns[name].append(turn(step, steps[name], comm.barrier))
        own = make("auto")[0]  # strip the network emulation that the backend may have
        sums = comm_job.run(own, SUMS, _SUM_SECONDS, ways=("ours", "messages")) if own.size > 1 else {}
        facts = {"batch": config.data.batch_size, "launch_s": comm_job.launch_seconds(own)}
        return {**facts, **recorder.found(steps["profile"]), "turns": turns, "sums": sums}


def _alone(ranks: int, job: trainables.Subject, mode: str) -> AbstractContextManager[Trainer]:
    """A trainer with one rank's share of the batch, in a world of two ranks or more, so that the model communicates."""
    config, world = job.config_of(mode, ranks), max(ranks, 2)
    if ranks == 1:
        config = config.updated({"data": {"batch_size": 2 * config.data.batch_size}})
    return training(NullCommunicator(world), job.name, config, job.task(world))


class Recorder:
    """A trainer whose every step leaves a row of times: of its moments, and of the ends of its parts."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.rows: list[list[float]] = []
        self._marks: list[tuple[float, int]] = []  # (time, parameter) for each finished gradient
        self._ends: list[float] = []  # times of the end of backward, and the begin and end of the update
        self._moments: list[dict[str, Any]] = []

    def __enter__(self) -> Recorder:
        train_step: Any = self.trainer.train_step
        self._stack = ExitStack()
        self._calls = self._stack.enter_context(listening(self.trainer))
        buffer = train_step.gradient_buffer
        buffer.sinks = [[self._marked(i, sink) for i, sink in enumerate(sinks)] for sinks in buffer.sinks]
        totals = train_step.totals_reducer
        totals.start = self._totals(totals.start)
        totals.wait = self._timed(totals.wait, before=True, after=False)
        train_step.apply = self._timed(train_step.apply, before=True, after=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _marked(self, i: int, sink: Any) -> Any:
        def marked(g: Any) -> None:
            sink(g)
            self._marks.append((perf_counter(), i))

        return marked

    def _totals(self, start: Any) -> Any:
        def started(rows: Any, totals: Any) -> None:
            self._calls.append(Call(perf_counter(), "sum", totals.nbytes, hidden=True))
            start(rows, totals)

        return started

    def _timed(self, call: Any, before: bool, after: bool) -> Any:
        def timed(*args: Any) -> None:
            if before:
                self._ends.append(perf_counter())
            call(*args)
            if after:
                self._ends.append(perf_counter())

        return timed

    def step(self) -> dict[str, float]:
        """A step, as a contestant takes it."""
        for notes in (self._marks, self._ends, self._calls):
            notes.clear()
        began = perf_counter()
        self.trainer.take_step()
        ended = perf_counter()
        moments: list[tuple[float, dict[str, Any]]] = [(at_s, {"parameter": i}) for at_s, i in self._marks]
        moments += [(call.at_s, {k: v for k, v in call._asdict().items() if k != "at_s"}) for call in self._calls]
        moments.sort(key=lambda moment: moment[0])
        self._moments = [what for _, what in moments]
        self.rows.append([at_s - began for at_s in (*(at_s for at_s, _ in moments), *self._ends, ended)])
        return {}

    def found(self, steps: int) -> dict[str, Any]:
        """The names of the moments, and their times in each step: one row a step, after a first one that warms up.

        A row holds seconds since the step began: of the moments, of the end of backward, of begin and end of the
        update, and of the end of the step.
        """
        turns = np.array(self.rows).reshape(-1, steps + 1, len(self.rows[0]))[:, 1:]
        return {
            "moments": self._moments,
            "rows": turns[:, :: -(-steps // _MOST_STEPS)].tolist(),
            "spans": [[span.start, span.stop] for span in self.trainer.store.spans],
            "itemsize": self.trainer.store.dtype.itemsize,
        }
