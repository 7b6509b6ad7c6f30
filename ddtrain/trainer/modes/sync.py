"""Every step waits for the sum over all nodes: the default, and what the other modes are variations of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ddtrain.comm.protocol import COUNTERS, Array
from ddtrain.trainer.step.gradient_buffer import Lane
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.train_step import TrainStep

_MET = COUNTERS - 1  # the node's counter of meetings: the reducers have the first ones


class Sync:
    """How the nodes of a run hold together; the loop's view of a step.

    Parameters
    ----------
    step_of : this rank's step
    config : the section ``comm``; each mode reads the options it has

    Attributes
    ----------
    lanes : all that the run has
    """

    def __init__(self, step_of: TrainStep, config: Any) -> None:
        self.step_of = step_of
        self.lanes: tuple[Lane, ...] = (step_of.lane,)
        self.done = self._meetings = 0  # steps of the run; meetings of this rank with its node

    def gradients(self, step: int, rows: Any, stop_vote: bool = False) -> Totals:
        """See :meth:`TrainStep.gradients`, as for the next two."""
        self.done = step + 1
        return self.step_of.gradients(step, rows, stop_vote)

    def square_norm(self) -> float:
        return self.step_of.square_norm()

    def apply(self, control: StepControl) -> None:
        self.step_of.apply(control)

    @contextmanager
    def shown(self, state: bool = False) -> Iterator[None]:
        """Within this, the store, with ``state`` the optimizer too, is the whole run's, not this node's. Collective."""
        yield

    def whole_state(self) -> Mapping[str, Array]:
        """The optimizer's vectors, as long as the parameters, for a checkpoint. Collective."""
        return self.step_of.optimizer.state

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take up this rank's share of the optimizer's vectors."""
        for name, vector in self.step_of.optimizer.state.items():
            for span in self.step_of.reducer.spans:
                vector[span] = state[name][span]

    def state_like(self) -> Mapping[str, Array]:
        """Vectors of the names, length and dtype of :meth:`whole_state`; their values mean nothing."""
        return self.step_of.optimizer.state

    def memory(self) -> dict[str, Array]:
        """What no checkpoint would hold otherwise, under names that ``trainer/checkpoint/rank_state.py`` knows."""
        return {}

    def recall(self, memory: Mapping[str, Array], exactly: bool) -> None:
        """Take up a saved memory, on all ranks: their own, or, of a run with other ranks, the mean over its nodes."""

    def wait_for_node(self) -> None:
        """Return when all ranks of the node have come here."""
        self._meetings += 1
        self.step_of.node.post(_MET, self._meetings)
        self.step_of.node.wait(_MET, self._meetings)


def own(vector: Array, spans: Sequence[slice]) -> list[Array]:
    """Views of a vector's spans."""
    return [vector[span] for span in spans]
