"""The checks of ``ddtrain check``, in order; each says one line.

Alone, several ranks are threads of this process; under mpirun they are those that are there.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

import numpy as np

from ddtrain.check.compare_ranks import compare_ranks, step_batch
from ddtrain.check.findings import Finding
from ddtrain.check.round_trip import round_trip
from ddtrain.comm import Communicator, call_on_ranks, run_on_all
from ddtrain.data.dataset import has_order
from ddtrain.diagnose.layer_table import layer_table
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.same_options import verify_options
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.evaluation.evaluate import ROWS, try_evaluation
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.records.run_records import RunRecords
from ddtrain.trainer.step.setup import drawn_values
from ddtrain.trainer.task import Task, build_task
from ddtrain.trainer.tries.data_limits import limited, with_few_validated

_RANKS = 3  # threads that one process is compared with: an odd number, whose parts are uneven
_STEPS, _MOST_STEPS = 20, 6.0  # steps of a run that is stopped and resumed, and the seconds that they may take
_UNITS = (  # the unit of times below a limit, in seconds
    (1.0, "{:.3g} ms", 1e-3),
    (120.0, "{:.1f} s", 1.0),
    (7200.0, "{:.0f} min", 60.0),
    (np.inf, "{:.1f} h", 3600.0),
)


class Preflight:
    """The checks of one rank.

    Parameters
    ----------
    comm : of the ranks that are to train
    name, build, config : the job, as :class:`ddtrain.trainer.job.Job` has it
    show : is given each line, on every rank
    """

    def __init__(
        self,
        comm: Communicator,
        name: str,
        build: Callable[[Any], Task],
        config: Config,
        show: Callable[[str], object],
    ) -> None:
        self.comm, self.name, self.build, self.config, self.show = comm, name, build, config, show
        self.good = True
        self.task: Task
        self.trainer: Trainer
        self.step_s = self.evaluation_s = 0.0

    def run(self) -> bool:
        """All checks; whether all is well. Collective.

        Raises
        ------
        Exception : with several ranks, what a check raised: the others may be waiting in it. One rank goes on
        """
        checks: tuple[tuple[str, Callable[[], list[Finding]]], ...] = (
            ("options", self._options),
            ("layers", self._layers),
            ("evaluation", self._evaluation),
            ("step", self._step),
            ("ranks", self._ranks),
            ("resume", self._resume),
            ("time", self._time),
        )
        for name, check in checks:
            try:
                found = check()
            except Exception as error:
                if self.comm.size > 1:
                    raise
                found = [Finding.of_error(name, error)]
            for finding in found:
                self.good = self.good and finding.good
                self.show(str(finding))
            if not all(finding.good for finding in found) and name in ("options", "layers", "step"):
                break  # all others need a step
        return self.good

    def _options(self) -> list[Finding]:
        comm, config = self.comm, self.config
        run_on_all(comm, lambda: validate(config, comm.size))
        verify_options(config, comm, self.name)
        self.task = task = run_on_all(comm, lambda: limited(build_task(self.build, config), config))
        valid = f" + {len(task.valid):,}" if task.valid is not None else ""
        ranks = f"{comm.size} rank" + "s" * (comm.size > 1)
        text = f"{self.name} on {ranks} ({comm.spec}), {len(task.train):,}{valid} samples, batches of"
        return [Finding("options", True, f"{text} {config.data.batch_size}")]

    def _layers(self) -> list[Finding]:
        """A table of layers for the samples of one rank; made by each, so that all stay together."""
        # a thread that reads ahead would be left behind, with steps that are not taken
        self.trainer = Trainer(self.comm, self.config.updated({"data": {"prefetch": 0}}), self.task)
        step, batch_size = self.trainer.train_step, min(self.config.data.batch_size, len(self.task.train))
        mine = -(-batch_size // (step.shard_layout.count * self.config.run.accumulate))
        batch = step_batch(step, np.arange(mine))
        values = drawn_values(self.task.model, self.config)
        table = layer_table(
            self.task.model, values, lambda model: self.task.loss(model, *batch), batch, self.config.optim
        )
        lines = str(table).splitlines()
        for line in lines[: lines.index("")]:
            self.show(f"       {line}")
        return [Finding("layers", True, lines[-2]), Finding("memory", True, lines[-1].removeprefix("memory "))]

    def _evaluation(self) -> list[Finding]:
        lengths = [len(each) for each in self.task.valid_sets.values()]
        if not lengths or not self.config.eval.every:
            return [Finding("evaluation", True, "none is to be made")]
        step = self.trainer.train_step
        began = perf_counter()
        try_evaluation(self.task, self.trainer.store, self.comm, step.shards)
        took, tried = perf_counter() - began, sum(min(n, ROWS * step.shard_layout.count) for n in lengths)
        self.evaluation_s = took * sum(lengths) / tried
        return [Finding("evaluation", True, f"{tried:,} samples in {in_time(took)}")]

    def _step(self) -> list[Finding]:
        seen = self.trainer.records = cast(RunRecords, _Unrecorded())
        with np.errstate(all="ignore"):
            self.trainer.take_step()
            began = perf_counter()
            self.trainer.take_step()
        self.step_s = max(self.comm.exchange_objects(perf_counter() - began))
        figures = "  ".join(f"{name} {value:.4g}" for name, value in cast(_Unrecorded, seen).means.items())
        return [Finding("step", True, f"a second one in {in_time(self.step_s)}: {figures}")]

    def _ranks(self) -> list[Finding]:
        if self.comm.size > 1:
            return compare_ranks(self.comm, self.task, self.config)
        told: dict[int, list[Finding]] = {}

        def main(comm: Communicator) -> None:
            task = run_on_all(comm, lambda: limited(build_task(self.build, self.config), self.config))
            told[comm.rank] = compare_ranks(comm, task, self.config)

        call_on_ranks(f"threads:{min(_RANKS, self.config.data.batch_size)}", main)
        return told[0]  # all ranks found the same

    def _resume(self) -> list[Finding]:
        total = self.trainer.coordinator.total_steps
        steps = min(_STEPS, total, int(_MOST_STEPS / max(self.step_s, 1e-6)))
        if steps < 2:
            why = f"a step takes {in_time(self.step_s)}" if total > 1 else "the run has one step"
            return [Finding("resume", True, f"not tried: {why}")]
        finding, seconds = round_trip(self.comm, self.name, self._with_few_to_evaluate, self.config, steps)
        self.step_s = self.comm.exchange_objects(seconds)[0] or self.step_s
        return [finding]

    def _with_few_to_evaluate(self, config: Config) -> Task:
        """The task anew, as a resumed run makes it; evaluations are short."""
        task = build_task(self.build, config)
        if any(has_order(each) for each in task.valid_sets.values()):  # of what has an order no part can be taken
            return limited(task, config)
        return limited(with_few_validated(task, ROWS, "ddtrain check"), config)

    def _time(self) -> list[Finding]:
        coordinator, every = self.trainer.coordinator, self.config.eval.every
        steps, per_epoch = coordinator.total_steps, coordinator.steps_per_epoch
        evaluations = -(-steps // (every * per_epoch)) if every and self.evaluation_s else 0
        whole = steps * self.step_s + evaluations * self.evaluation_s
        text = f"{in_time(self.step_s)} a step; {steps:,} steps"
        if evaluations:
            text += f" and {evaluations:,} evaluations of {in_time(self.evaluation_s)}"
        return [Finding("time", True, f"{text} take {in_time(whole)}, if the machine stays as busy as it is")]


class _Unrecorded:
    """Stands in for a run's records, and writes nothing."""

    def __init__(self) -> None:
        self.means: dict[str, float] = {}

    def step(
        self, done: int, epoch: int, totals: Any, control: Any, seconds: float, said: Any = None
    ) -> dict[str, float]:
        """Remember the figures of the step."""
        self.means = dict(totals.means())
        return self.means

    def gradients(self, done: int, seen: Any) -> None:
        """A gradient was checked, and is right."""

    def plan(self, listing: str) -> None:
        """Steps repeat a program."""

    def warn(self, text: str) -> None:
        """What a run would warn of, it says itself."""


def in_time(seconds: float) -> str:
    """A time in words.

    >>> in_time(0.0123), in_time(59), in_time(600), in_time(36000)
    ('12.3 ms', '59.0 s', '10 min', '10.0 h')
    """
    text, unit = next((text, unit) for limit, text, unit in _UNITS if seconds < limit)
    return text.format(seconds / unit)
