"""Short runs around one part, on one rank and on several: what every part of every kind has to stand.

A part that knows how a batch is divided shows it in one of four ways, and :func:`check` tries them all. 23 samples in
batches of 7 leave one of 2, in which one of three ranks is empty; six steps go through it and into the next epoch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from diary import Diary

from ddtrain.comm import Communicator
from ddtrain.trainer.checkpoint import rank_state
from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.checkpoint.resume import resume
from ddtrain.trainer.checkpoint.save_run import take_snapshot
from ddtrain.trainer.config.config import Comm, Config, Run
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.task import Task
from helpers import sgd_config
from worlds import World

STEPS, STOP = 6, 3  # after 3 steps, the ragged batch is still to come
TOLERANCE = 1e-12  # float64 and sums in another order: some 1e-16 a step

Outcome = tuple[dict[str, Any], Snapshot]


class _Figures(Diary):
    """Keeps the means and the gradient's norm of every step, by its number, and the figures of evaluations."""

    def step(self, done: int, epoch: int, totals: Any, control: Any, seconds: float, said: Any = None) -> None:
        self._keep(done, {**totals.means(), "norm": control.grad_norm})

    def evaluation(self, done: int, epoch: int, figures: Any) -> None:
        self._keep(done, figures)

    def _keep(self, done: int, figures: Any) -> None:
        self.figures.append({f"{name} of step {done}": x for name, x in figures.items()})


def part_of_a_run(comm: Communicator, task: Task, config: Config, steps: int, saved: Snapshot | None = None) -> Outcome:
    """Some steps of a run, from its start or from where another stopped: all its numbers, and all that is saved."""
    trainer = Trainer(comm, config, task)
    diary: Any = _Figures(comm, Path())
    trainer.records = diary
    if saved is not None:
        assert resume(trainer.state, saved) == []
    for _ in range(steps):
        control = trainer.take_step()
    if task.valid is not None:
        trainer._evaluate(control)
    memory = rank_state.gather(trainer.mode)
    with trainer.mode.consolidated(state=True):
        taken = take_snapshot(trainer.state, trainer.mode.consolidated_state(), memory)
        vectors = {name: x.copy() for name, x in taken.optim.items()}
        model = {name: x.copy() for name, x in taken.model.items()}
    with trainer.average.in_place():
        averaged = {f"averaged {name}": x.copy() for name, x in trainer.store.tensors.items()}
    figures = {name: x for line in diary.figures for name, x in line.items()}
    return {**figures, **model, **vectors, **averaged}, replace(taken, model=model, optim=vectors)


def largest_difference(a: dict[str, Any], b: dict[str, Any]) -> float:
    """Of all numbers that both runs have; a resumed run has no figures of the steps before."""
    shared = a.keys() & b.keys()
    assert {name for name in a.keys() ^ b.keys() if " of step " not in name} == set()
    return max(float(np.abs(np.subtract(a[name], b[name])).max(initial=0.0)) for name in shared)


def outcomes(spec: str, task: Task, config: Config, steps: int = STEPS, saved: Any = None) -> list[Outcome]:
    """One a rank."""
    return World(spec).run(lambda comm: part_of_a_run(comm, task, config, steps, saved))


def check(task: Task, **sections: Any) -> dict[str, Any]:
    """Whatever the ranks, the pieces and the stops, the run is that of one rank; returns its numbers.

    In float64 to 1e-12, also if each rank cuts its share in two and the optimizer's state is divided; in float32 and
    in shards to the bit, also if the run is stopped in the middle of an epoch and goes on on other ranks.
    """
    exact = sgd_config(**sections)
    ((alone, _),) = outcomes("local", task, exact)
    assert all(np.isfinite(x).all() for x in alone.values())
    pieces = replace(exact, run=replace(exact.run, accumulate=2), comm=Comm(sharded_optimizer=True))
    for spec, config in (("threads:3", exact), ("nodes:001", pieces)):
        ranks = [found for found, _ in outcomes(spec, task, config)]
        assert largest_difference(ranks[0], alone) < TOLERANCE
        assert all(largest_difference(ranks[0], other) == 0 for other in ranks[1:])
    shards = replace(exact, run=Run(dtype="float32", epochs=exact.run.epochs, shards=4))
    ((whole, _),) = outcomes("local", task, shards)
    (_, saved), *_ = outcomes("threads:2", task, shards, STOP)
    for found, _ in outcomes("nodes:001", task, shards, STEPS - STOP, saved):
        assert largest_difference(found, whole) == 0
    return alone
