"""The legs of a stage, trained by all groups at the same time; every rank then knows all outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ddtrain.comm import Communicator, run_on_rank_0
from ddtrain.errors import DataError, StoppedError
from ddtrain.search.groups import Group
from ddtrain.search.report.tables import line_of
from ddtrain.search.search_directory import CLAIMS, RECORD, STOP, new_claims
from ddtrain.search.training import Trainee, read_outcomes, train_leg
from ddtrain.search.trials import Leg, Outcome, latest

Tell = Callable[[str], None]


class Stages:
    """What has been trained, and the ranks that train more. Making one is collective, as are its methods.

    Parameters
    ----------
    comm, group : all ranks, and those of this rank's group
    tell : prints a line about a trial; called on the first rank of its group

    Attributes
    ----------
    earlier : how many legs were over before this start
    """

    def __init__(self, comm: Communicator, group: Group, trainee: Trainee, tell: Tell) -> None:
        self.comm, self.group, self.trainee, self.tell = comm, group, trainee, tell
        directory = trainee.directory
        told = run_on_rank_0(comm, lambda: [outcome.to_json() for outcome in read_outcomes(directory)])
        self._known = {(o.trial, o.epochs): o for o in map(Outcome.of_json, told)}
        self._played: list[Outcome] = []  # those that this search has asked for: others decide nothing
        self.earlier = len(self._known)

    @property
    def latest(self) -> list[Outcome]:
        """Of each trial the outcome of the last leg that was asked for."""
        return latest(self._played)

    def run(self, legs: Sequence[Leg]) -> list[Outcome]:
        """The outcomes of some legs, of which those that are over already are not trained again.

        Raises
        ------
        StoppedError : on all ranks: the search was asked to stop
        DataError : on all ranks: a record is that of another search
        """
        todo = [leg for leg in legs if (leg.trial, leg.epochs) not in self._known]
        stop = self.trainee.directory / STOP
        run_on_rank_0(self.comm, lambda: new_claims(self.trainee.directory))
        done: list[Outcome] = []
        stopped = False
        for number in self.group.claimed(self.trainee.directory / CLAIMS, len(todo)):
            outcome = train_leg(self.group, self.trainee, todo[number])
            if outcome is None:
                stopped = True
                run_on_rank_0(self.group.comm, stop.touch)  # for the other groups
                break
            done.append(outcome)
            run_on_rank_0(self.group.comm, lambda: self.tell(line_of(done[-1], self.trainee.judge)))
        self._share(done, stopped)
        outcomes = [self._outcome(leg) for leg in legs]
        self._played += outcomes
        return outcomes

    def _share(self, done: Sequence[Outcome], stopped: bool) -> None:
        mine = [outcome.to_json() for outcome in done] if not self.group.comm.rank else []
        everybody: list[Any] = self.comm.exchange_objects([mine, stopped])
        for outcome in (Outcome.of_json(told) for theirs, _ in everybody for told in theirs):
            self._known[outcome.trial, outcome.epochs] = outcome
        if any(stopped for _, stopped in everybody):
            run_on_rank_0(self.comm, lambda: (self.trainee.directory / STOP).unlink(missing_ok=True))
            again = f"The same command with --run.dir {self.trainee.directory} goes on."
            raise StoppedError("the search was stopped on request", remedy=again)

    def _outcome(self, leg: Leg) -> Outcome:
        outcome = self._known[leg.trial, leg.epochs]
        if outcome.values != leg.values:
            path = self.trainee.of(leg.trial) / RECORD
            raise DataError(f"{path} has {outcome.values}, not {dict(leg.values)}", remedy="Give another --run.dir.")
        return outcome
