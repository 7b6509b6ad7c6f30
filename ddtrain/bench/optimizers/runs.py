"""Training runs of every optimizer on one problem: the loss that the best of a few learning rates reaches.

Each optimizer has its own default options, at a constant learning rate: its default one times a factor of the grid, the
same grid for all. The runs go through the real trainer, so that every optimizer takes its steps as in production, also
those that need two gradients, or trial points. At each factor all optimizers have their turn, so that a machine that is
slow for a while slows all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain.bench import text_tables
from ddtrain.bench.optimizers.problems import PROBLEMS
from ddtrain.bench.peers.ddtrain_steps import training
from ddtrain.bench.timing import quartiles
from ddtrain.comm import Communicator
from ddtrain.errors import NonFiniteError, UsageError
from ddtrain.optim import BatchMethod, Optim
from ddtrain.optim.schedules import Constant
from ddtrain.trainer.evaluation.evaluate import evaluate
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.task import Task


def measure(comm: Communicator, name: str, optimizers: Sequence[str], grid: Sequence[float], steps: int) -> Any:
    """Figures of optimizers on one problem.

    Parameters
    ----------
    name : the problem
    grid : factors of each optimizer's default learning rate
    steps : of each run; 0: those of a whole run

    Returns
    -------
    ``about``, ``steps`` and ``optimizers``: for each its ``losses``, a row for every factor, the ``best`` of them
    (None if all runs diverged), and ``step_ms`` over all of its runs.
    """
    problem = PROBLEMS[name]
    task = problem.build()
    optimizers = [optimizer for optimizer in optimizers if not too_large(formula_of(optimizer), task)]
    steps = steps or problem.steps(task)
    losses: dict[str, list[dict[str, Any]]] = {optimizer: [] for optimizer in optimizers}
    seconds: dict[str, list[float]] = {optimizer: [] for optimizer in optimizers}
    for factor in grid:
        for optimizer in optimizers:
            formula = formula_of(optimizer)
            lr = factor * formula.lr
            config = replace(problem.config, optim=replace(formula, lr=lr), schedule=Constant())
            with training(comm, name, config, task) as trainer:
                loss = _train(trainer, steps, seconds[optimizer])
            losses[optimizer].append({"factor": factor, "lr": lr, "loss": loss if math.isfinite(loss) else None})
        text_tables.progress(f"{name}: {steps} steps of every optimizer at {factor:g} × its default learning rate")
    figures = {
        optimizer: {
            "losses": losses[optimizer],
            "best": best(losses[optimizer]),
            "step_ms": quartiles(np.array(seconds[optimizer]), 1e-3),
        }
        for optimizer in optimizers
    }
    return {"about": task.about, "steps": steps, "optimizers": figures}


def formula_of(name: str) -> Optim:
    """An optimizer with its default options; one for whole batches takes the problem's batches, as all others do."""
    formula: Optim = Optim(name=name)
    return replace(formula, minibatch=True) if isinstance(formula, BatchMethod) else formula


def too_large(formula: Optim, task: Task) -> bool:
    """Whether the optimizer refuses a model of that size, as Newton's method may."""
    declared = task.model.declarations().values()
    parameters = sum(math.prod(declaration.shape) for declaration in declared if declaration.trained)
    try:
        if isinstance(formula, BatchMethod):
            formula.check_size(parameters)
    except UsageError:
        return True
    return False


def best(runs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The run with the lowest loss; None if all diverged, which have the loss None.

    >>> best([{"factor": 0.1, "loss": 0.5}, {"factor": 1.0, "loss": 0.25}, {"factor": 3.0, "loss": None}])
    {'factor': 1.0, 'loss': 0.25}
    """
    return min((run for run in runs if run["loss"] is not None), key=lambda run: run["loss"], default=None)


def _train(trainer: Trainer, steps: int, seconds: list[float]) -> float:
    """Loss on the validation data after some steps, whose times are appended; infinite if the run diverged."""
    try:
        with np.errstate(all="ignore"):  # no warnings: what is not finite ends the run
            for _ in range(steps):
                started = perf_counter()
                trainer.take_step()
                seconds.append(perf_counter() - started)
    except NonFiniteError:
        return math.inf
    return evaluate(trainer.task, trainer.store, trainer.comm, trainer.train_step.shards).figures["loss"]
