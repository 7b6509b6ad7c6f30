"""Every step waits for the sum over all nodes: the default mode, and the base class of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ddtrain.comm.protocol import COUNTERS, Array
from ddtrain.trainer.step.gradient_buffer import GradientBuffer
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.train_step import TrainStep

_MET = COUNTERS - 1  # the node's counter for wait_for_node; parallel/node_counters.py lists the others


class Sync:
    """The loop's view of a step, in which all nodes sum their gradients before each update.

    Parameters
    ----------
    train_step : this rank's step
    config : the section ``comm``; each mode reads the options it has

    Attributes
    ----------
    gradient_buffers : all gradient buffers of the run
    figures : what the optimizer says of the latest update, for the log
    """

    def __init__(self, train_step: TrainStep, config: Any) -> None:
        self.train_step = train_step
        self.gradient_buffers: tuple[GradientBuffer, ...] = (train_step.gradient_buffer,)
        self.figures: Mapping[str, float] = {}
        self.done = self._meetings = 0  # steps done in the run; meetings of the node in which this rank has taken part

    def gradients(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """See :meth:`TrainStep.gradients`, as for the next two."""
        self.done = step + 1
        return self.train_step.gradients(step, rows, stop_vote)

    def square_norm(self) -> float:
        return self.train_step.square_norm()

    def apply(self, control: StepControl) -> None:
        self.train_step.apply(control)

    @contextmanager
    def consolidated(self, state: bool = False) -> Iterator[None]:
        """While inside, store (and, with ``state``, optimizer) have the run's values, not the node's. Collective."""
        yield

    def consolidated_state(self) -> Mapping[str, Array]:
        """The optimizer's vectors, as long as the parameters, for a checkpoint. Collective."""
        return self.train_step.optimizer.state

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Load this rank's share of the optimizer's vectors."""
        for name, vector in self.train_step.optimizer.state.items():
            for span in self.train_step.reducer.spans:
                vector[span] = state[name][span]

    def optimizer_state_like(self) -> Mapping[str, Array]:
        """Vectors with the names, length and dtype of :meth:`consolidated_state`, and arbitrary values."""
        return self.train_step.optimizer.state

    def rank_state(self) -> dict[str, Array]:
        """What this rank alone remembers, under names that ``trainer/checkpoint/rank_state.py`` explains."""
        return {}

    def load_rank_state(self, memory: Mapping[str, Array], exactly: bool) -> None:
        """Load a saved memory, on all ranks: each rank's own, or the mean over nodes if the run had other ranks."""

    def share_values(self) -> None:
        """Return when all ranks have the values that each has written into its share. Collective."""
        self.wait_for_node()

    def wait_for_node(self) -> None:
        """Return when all ranks of the node have called this."""
        self._meetings += 1
        self.train_step.node.post(_MET, self._meetings)
        self.train_step.node.wait(_MET, self._meetings)


def own(vector: Array, spans: Sequence[slice]) -> list[Array]:
    """Views of a vector's spans."""
    return [vector[span] for span in spans]
