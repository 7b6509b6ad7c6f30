"""``--run.limit`` and ``--run.overfit-batches``: a task with some of its samples, for quick tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data import Augmented, Dataset, Subset, order_of
from ddtrain.errors import UsageError
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task

_BY_HEART = 0.1  # the share of the first loss that is left of what was learned by heart


def limited(task: Task, config: Config) -> Task:
    """The task with the samples that the options leave; the task itself if they leave all.

    Which they are depends on the options and the seed alone, so that ranks and resumed runs have the same. What was
    fitted to the data, such as a vocabulary, stays that of all samples.

    Raises
    ------
    UsageError : the data set is of a kind of which no part can be taken

    >>> from ddtrain import nn
    >>> task = Task(nn.Linear(2, 1), lambda model, x: model(x)[:, 0], (np.ones((9, 2)),), (np.ones((3, 2)),))
    >>> few = limited(task, Config().updated({"run": {"limit": 4}}))
    >>> len(few.train), len(few.valid)
    (4, 3)
    >>> same = limited(task, Config().updated({"run": {"overfit_batches": 2}, "data": {"batch_size": 3}}))
    >>> len(same.train), same.valid is same.train
    (6, True)
    """
    run = config.run
    if run.overfit_batches:
        rows = order_of(task.train, seed=run.seed, epoch=0)[: run.overfit_batches * config.data.batch_size]
        few = _part("--run.overfit-batches", task.train, rows)
        return replace(task, train=few, valid=few)
    if run.limit:
        train = first_samples(task.train, run.limit, "--run.limit")
        return with_few_validated(replace(task, train=train), run.limit, "--run.limit")
    return task


def not_by_heart(losses: Sequence[float]) -> str:
    """Why a model seems to have a fault that was trained on a few batches over and over; empty if it has learned them.

    Parameters
    ----------
    losses : of all steps

    >>> not_by_heart([2.3, 0.9, 0.01])
    ''
    >>> not_by_heart([2.3, 2.3, 2.26])
    'the batches are not learned by heart: the loss went from 2.3 to 2.26. Unless it takes more epochs or another ...'
    """
    if not losses or losses[-1] <= _BY_HEART * losses[0]:
        return ""
    return (
        f"the batches are not learned by heart: the loss went from {losses[0]:.4g} to {losses[-1]:.4g}. Unless it "
        "takes more epochs or another rate, model, loss or labels have a fault: see ddtrain diagnose layers"
    )


def with_few_validated(task: Task, count: int, option: str) -> Task:
    """The task with at most so many samples of each validation set; ``option`` is who asks, for errors."""
    few: Any = {name: first_samples(each, count, option) for name, each in task.valid_sets.items()}
    return replace(task, valid=few.get("", few or None))


def first_samples(dataset: Dataset, count: int, option: str) -> Dataset:
    """At most so many samples of a data set, the first; ``option`` is who asks, for errors.

    >>> from ddtrain.data import ArrayData
    >>> len(first_samples(ArrayData(np.arange(9)), 4, "--run.limit"))
    4
    """
    return dataset if len(dataset) <= count else _part(option, dataset, np.arange(count))


def _part(option: str, dataset: Dataset, rows: NDArray[np.int64]) -> Dataset:
    if isinstance(dataset, Augmented):
        return Augmented(_part(option, dataset.dataset, rows), dataset.stages)
    try:
        return Subset(dataset, rows)
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}", remedy="Take the part in the program that makes it.") from None
