"""The average of the weights in the place of the weights, for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors.numpy

from ddtrain.comm import run_on_rank_0
from ddtrain.comm.protocol import Array
from ddtrain.nn import to_torch
from ddtrain.optim.averages import AVERAGE, Average, WeightAverage
from ddtrain.trainer import atomic_files
from ddtrain.trainer.average.batch_statistics import recompute_statistics
from ddtrain.trainer.file_names import AVERAGED
from ddtrain.trainer.modes import Sync
from ddtrain.trainer.step.setup import write_once_per_node
from ddtrain.trainer.task import Task


class AveragedWeights:
    """One rank's view of a run's average.

    Parameters
    ----------
    mode : has the weights, and the optimizer that keeps the average
    average : the section of the configuration, with its times in updates
    """

    def __init__(self, mode: Sync, task: Task, average: Average) -> None:
        self._mode, self._task, self._average = mode, task, average

    def misfit(self, steps: int) -> str:
        """What is odd about the average in a run that ends after ``steps`` steps, in one line; empty: nothing."""
        return self._average.misfit(steps)

    @contextmanager
    def evaluated(self, each_batch: Callable[[], None]) -> Iterator[None]:
        """While inside, the store has what is to be evaluated: the average, if that is asked for. Collective.

        ``each_batch`` is called after each batch of training data that the average's statistics are made of.
        """
        asked = isinstance(self._average, WeightAverage) and self._average.evaluate
        with self.in_place(each_batch) if asked else self._mode.consolidated():
            yield

    @contextmanager
    def in_place(self, each_batch: Callable[[], None] = lambda: None) -> Iterator[bool]:
        """While inside, the store has the average with running statistics of it; then the weights, bit for bit.

        Collective. Gives whether the average has begun: if not, the store has the weights all the time.
        """
        train_step = self._mode.train_step
        with self._mode.consolidated(state=True):
            if not self._average.begun(train_step.optimizer.count):
                yield False
                return
            average, buffers = self._mode.consolidated_state()[AVERAGE], train_step.store.state.copy()
            self._swap(average)
            if self._average.recomputes_statistics():
                recompute_statistics(train_step, self._task, each_batch)
            yield True
            train_step.store.state[...] = buffers
            self._swap(average)

    def export(self, directory: Path) -> bool:
        """Write the average to ``directory``, by PyTorch's names and layouts, if that is asked for. Collective.

        Returns
        -------
        False if the average was to be written, but has not begun.

        Raises
        ------
        DataError : on all ranks, if the file cannot be written
        """
        if not (isinstance(self._average, WeightAverage) and self._average.export):
            return True
        store, model = self._mode.train_step.store, self._task.model

        def write() -> None:
            tensors = {name: np.asarray(x, order="C") for name, x in to_torch(model, store.tensors).items()}
            atomic_files.replace(directory / AVERAGED, safetensors.numpy.save(tensors))

        with self.in_place() as begun:
            if begun:
                run_on_rank_0(self._mode.train_step.comm, write)
        return begun

    def _swap(self, average: Array) -> None:
        """Exchange the values with the average, once a node. Collective."""
        train_step = self._mode.train_step
        values, comm = train_step.store.values, train_step.comm
        comm.barrier()  # no rank of the node reads or writes the values any more

        def exchange() -> None:
            average[...], values[...] = values.copy(), average.copy()

        write_once_per_node(comm, train_step.node, exchange)
