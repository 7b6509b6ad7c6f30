"""A search on the ranks of a process, in the order of execution: stages of trials, the winners, what is to be said."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ddtrain.comm import Communicator, raise_on_all, run_on_rank_0
from ddtrain.errors import UsageError
from ddtrain.search.apart import apart, held_out
from ddtrain.search.ensemble import Evaluated, evaluate_winners
from ddtrain.search.groups import Group
from ddtrain.search.methods import METHODS, READS, play
from ddtrain.search.methods import Stages as MethodStages
from ddtrain.search.narrowing import Allowed, narrowed, on_border
from ddtrain.search.report import tables
from ddtrain.search.report.findings import Findings
from ddtrain.search.search_directory import NEXT, begin, conclude
from ddtrain.search.settings import Settings
from ddtrain.search.space import Space, allows
from ddtrain.search.stages import Stages, Tell
from ddtrain.search.training import Trainee
from ddtrain.search.trials import Leg, Outcome, ranked
from ddtrain.standard_output import say
from ddtrain.trainer import stop_signals
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.same_options import verify_options
from ddtrain.trainer.file_names import SEARCH_PAGE
from ddtrain.trainer.records.run_lock import lock_run_directory

_FREE = ("comm", "checkpoint", "log", "debug")  # sections that change no trial's result
_GROW = ("random", "halving")  # methods that may be given more trials later, as those that there are stay the same


def tell(line: str) -> None:
    """Print a line."""
    say(f"{line}\n", sys.stdout)


def warn(line: str) -> None:
    """Print a line that warns."""
    say(f"ddtrain: warning: {line}\n", sys.stderr)


class Study:
    """What every rank of one process runs to search.

    Parameters
    ----------
    name, build, config : of the recipe, with the options that all trials have
    tell, warn : print a line: ``tell`` also on the first rank of each group, about its trials
    """

    def __init__(
        self,
        name: str,
        build: Callable[[Any], Any],
        config: Config,
        space: Space,
        settings: Settings,
        tell: Tell = tell,
        warn: Tell = warn,
    ) -> None:
        self.name, self.space, self.settings, self.tell, self.warn = name, space, settings, tell, warn
        # settled here, so that a search that goes on with other ranks gets the same bits
        shards = config.run.shards or settings.ranks_per_trial
        self.config = held_out(config).updated({"run": {"shards": shards}, "comm": {"backend": "auto"}})
        self.build = apart(build)
        self.directory = Path()  # of the search, once it is known

    def __call__(self, comm: Communicator) -> int:
        raise_on_all(comm, stop_signals.ranks_connected())
        verify_options(self.config, comm, self.name)
        settings = self.settings
        group = Group(comm, settings.ranks_per_trial)
        with lock_run_directory(comm, self.config, f"search-{self.name}") as locked:
            self.directory = locked.directory
            run_on_rank_0(comm, lambda: begin(locked.directory, self._definition()))
            trainee = Trainee(self.name, self.build, self.config, locked.directory, settings.judge)
            stages = Stages(comm, group, trainee, self.tell)
            run_on_rank_0(comm, lambda: self._greet(group, stages.earlier))
            last = play(self._method(), stages.run)
            winners = self._completed(stages)
            evaluated = _evaluated(comm, group, trainee, winners)
            findings = self._findings(stages.latest, winners, evaluated, last)
            run_on_rank_0(comm, lambda: self._conclude(findings))
        return 0

    def _method(self) -> MethodStages:
        method = METHODS[self.settings.method]
        return method(self.space, self.config.run.seed, self.settings.budget, self._allowed)

    @property
    def _allowed(self) -> Allowed:
        return allows(self.config, self.settings.ranks_per_trial)

    def _completed(self, stages: Stages) -> list[Outcome]:
        """The winners, trained to their whole length, in the order of the figures that they then have."""
        chosen = ranked(stages.latest)[: self.settings.winners]
        if not chosen:
            whys = [outcome.why for outcome in stages.latest]
            raise UsageError(f"all {len(whys)} trials have failed; the first: {whys[0]}")
        whole = self.config.run.epochs
        winners = ranked(stages.run([Leg(outcome.trial, outcome.values, whole) for outcome in chosen]))
        if not winners:
            raise UsageError("all winners have failed, trained to their end", remedy="Give more --winners.")
        return winners

    def _findings(
        self, outcomes: Sequence[Outcome], winners: Sequence[Outcome], evaluated: Evaluated, last: Space
    ) -> Findings:
        following = narrowed(last, outcomes, self._allowed)
        warnings = list(on_border(last, winners[0], following))
        if evaluated.why:
            warnings.append(f"the winners are no ensemble: {evaluated.why}")
        return Findings(
            title=f"search of {self.name}: {self.settings.method}, {len(outcomes)} trials",
            space=self.space,
            judge=self.settings.judge,
            outcomes=outcomes,
            winners=[outcome.trial for outcome in winners],
            figures=evaluated.members,
            ensemble=evaluated.ensemble,
            combine=evaluated.combine,
            following=following,
            warnings=warnings,
        )

    def _definition(self) -> dict[str, Any]:
        """What must be the same when the search is taken up again."""
        settings, config = self.settings, self.config.to_table()
        budget = asdict(settings.budget)
        fixed = set(READS[settings.method]) - ({"trials"} if settings.method in _GROW else set())
        read = {name: value for name, value in budget.items() if name in fixed}
        run = {name: value for name, value in config["run"].items() if name not in ("dir", "resume")}
        return {
            "recipe": self.name,
            "method": settings.method,
            "judge": asdict(settings.judge),
            "budget": {**read, "epochs": budget["epochs"]},
            "space": self.space.to_table(),
            "config": {**{name: value for name, value in config.items() if name not in _FREE}, "run": run},
        }

    def _greet(self, group: Group, earlier: int) -> None:
        ranks = f"{group.count} group{'s' * (group.count > 1)} of {group.comm.size}"
        told = f"search of {self.name}: {self.settings.method}, on {ranks} rank{'s' * (group.comm.size > 1)}"
        self.tell(f"{told}, in {self.directory}")
        if earlier:
            self.tell(f"taken up again: {earlier} trainings were over before")

    def _conclude(self, findings: Findings) -> None:
        conclude(self.directory, findings)
        self.tell(tables.text_table(findings))
        for line in tables.judged_lines(findings):
            self.tell(line)
        for line in findings.warnings:
            self.warn(line)
        self.tell(f"the same to look at in {self.directory / SEARCH_PAGE}; a finer space in {self.directory / NEXT}")


def _evaluated(comm: Communicator, group: Group, trainee: Trainee, winners: Sequence[Outcome]) -> Evaluated:
    """The winners evaluated by the first group; every rank then knows it. Collective."""
    trials = [outcome.trial for outcome in winners]
    found = evaluate_winners(group.comm, trainee, trials) if group.number == 0 else None
    return Evaluated(*comm.exchange_objects(found)[0])
