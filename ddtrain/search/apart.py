"""A validation set apart from the test set, so that what is chosen by the one is judged by the other.

The best of many trials is partly the luckiest: the figure that it was chosen by flatters it. So a search needs samples
that no choice has seen. Three ways, the first that there is:

1. a recipe with ``--data.validation`` holds some training samples out, and keeps its test set for the end;
2. a task with a test set has it apart already;
3. of any other task's validation data one half chooses, and the other half, drawn by the seed, is the test set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ddtrain.data import Subset, fingerprint_of, split_indices
from ddtrain.errors import UsageError
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task, build_task

HELD_OUT = 0.1  # of the training samples, unless --data.validation says otherwise
_OPTION = "data.validation"


def held_out(config: Config) -> Config:
    """The configuration with training samples held out for validation, if it has the option and does not use it.

    >>> held_out(Config()) == Config()
    True
    """
    if _OPTION not in tables.leaves(config) or tables.lookup(config, _OPTION):
        return config
    return config.updated({"data": {"validation": HELD_OUT}})


def apart(build: Callable[[Any], Task]) -> Callable[[Any], Task]:
    """What builds the same task with its validation set apart from its test set.

    Raises
    ------
    UsageError : on building: there is no validation data, too little to be halved, or it is the test data

    >>> import numpy as np
    >>> from ddtrain import nn
    >>> x = np.arange(6.0)[:, None]
    >>> task = Task(nn.Linear(1, 1), lambda model, x: model(x)[:, 0], train=(x,), valid=(x,))
    >>> halved = apart(lambda config: task)(Config())
    >>> sorted(np.concatenate([part.batch(np.arange(3))[0] for part in (halved.valid, halved.test)]).ravel().tolist())
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """

    def built(config: Any) -> Task:
        task = build_task(build, config)
        if task.valid is None:
            raise UsageError(
                "search: the task has no validation data to choose by", remedy="Give Task(valid=..., test=...)."
            )
        if task.test is None:
            return _halved(task, config.run.seed)
        if task.test is task.valid or _same(task.valid, task.test):
            raise UsageError(
                "search: the task's validation data is its test data",
                remedy="Give Task(valid=...) samples that the test data has not, or leave test= out.",
            )
        return task

    return built


def _halved(task: Task, seed: int) -> Task:
    """The task whose first validation set is one half of what it was, and whose test set is the other."""
    assert task.valid is not None, "there is something to halve"
    (name, whole), *others = task.valid_sets.items()
    chosen_by, kept = split_indices(len(whole), (0.5, 0.5), seed)
    part = Subset(whole, chosen_by)
    valid: Any = {name: part, **dict(others)} if name else part
    return replace(task, valid=valid, test=Subset(whole, kept))


def _same(one: Any, other: Any) -> bool:
    found = fingerprint_of(one)
    return bool(found) and len(one) == len(other) and found == fingerprint_of(other)
