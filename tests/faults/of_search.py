"""Faults of searches: what is drawn, what is given up, what is trained again, and what judges."""

from __future__ import annotations

from tests.faults.fault import Fault

RANGES = "tests/search/test_ranges.py"
SPACE = "tests/search/test_space.py"
METHODS = "tests/search/test_methods.py"
APART = "tests/search/test_apart.py"
GROUPS = "tests/search/test_groups.py"
STUDY = "tests/search/test_study.py"
SHOWN = "tests/search/report/test_shown.py"

FAULTS = (
    Fault(
        "search/a trial is over once its log has the evaluation, whatever its checkpoints have",
        "ddtrain/search/training.py",
        "bool(steps) and any(_evaluated(path) >= steps[-1] for path in finder.checkpoints(directory))",
        "bool(steps)",
        (STUDY,),
    ),
    Fault(
        "search/a draw depends on what else is searched",
        "ddtrain/search/space.py",
        'rng.stream(seed, f"search/{d.key}", trial)',
        'rng.stream(seed, f"search/{self.dimensions.index(d)}", trial)',
        (SPACE,),
    ),
    Fault(
        "search/a range of logarithms is drawn from evenly",
        "ddtrain/search/ranges.py",
        "return low * (high / low) ** place if self.log else low + (high - low) * place",
        "return low + (high - low) * place",
        (RANGES,),
    ),
    Fault(
        "search/the ends of a range of integers have half a chance",
        "ddtrain/search/ranges.py",
        "return (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)",
        "return (self.low, self.high)",
        (RANGES,),
    ),
    Fault(
        "search/the next range never passes the border",
        "ddtrain/search/ranges.py",
        "        if not self.on_border(around):\n",
        "        if True:\n",
        (RANGES, f"{STUDY}::test_the_border_is_warned_of_and_the_next_space_is_a_space"),
    ),
    Fault(
        "search/the next range goes where the option does not",
        "ddtrain/search/ranges.py",
        "return value if allowed(value) else old",
        "return value",
        (RANGES, METHODS),
    ),
    Fault(
        "search/the worst go on",
        "ddtrain/search/trials.py",
        "key=lambda outcome: (-outcome.epochs, outcome.score, outcome.trial)",
        "key=lambda outcome: (-outcome.epochs, -outcome.score, outcome.trial)",
        (METHODS, f"{STUDY}::test_halving_gives_up_the_worst"),
    ),
    Fault(
        "search/a trial that was given up early is ahead of one that went on",
        "ddtrain/search/trials.py",
        "key=lambda outcome: (-outcome.epochs, outcome.score, outcome.trial)",
        "key=lambda outcome: (outcome.score, outcome.trial)",
        ("ddtrain/search/trials.py",),
    ),
    Fault(
        "search/more is better, and less is taken",
        "ddtrain/search/judge.py",
        "score=-value if self.maximize else value",
        "score=value",
        (f"{STUDY}::test_what_is_to_be_maximized_is",),
    ),
    Fault(
        "search/what is chosen by is what judges",
        "ddtrain/search/apart.py",
        "test=Subset(whole, kept)",
        "test=Subset(whole, chosen_by)",
        (APART,),
    ),
    Fault(
        "search/recipes are chosen by their test images",
        "ddtrain/search/apart.py",
        'return config.updated({"data": {"validation": HELD_OUT}})',
        "return config",
        (APART,),
    ),
    Fault(
        "search/a trial is trained to the end of the run at once",
        "ddtrain/search/training.py",
        "        if last - 1 <= run.step < run.total_steps - 1:",
        "        if run.step == run.total_steps:",
        (f"{STUDY}::test_short_trials_and_longer_winners",),
    ),
    Fault(
        "search/a finished trial is trained again",
        "ddtrain/search/stages.py",
        "todo = [leg for leg in legs if (leg.trial, leg.epochs) not in self._known]",
        "todo = list(legs)",
        (f"{STUDY}::test_a_killed_search_goes_on_without_losing_a_finished_trial",),
    ),
    Fault(
        "search/a trial goes on after its end, where its outcome was not written",
        "ddtrain/search/training.py",
        "    if not reached():\n        job, until = None",
        "    if True:\n        job, until = None",
        (f"{STUDY}::test_a_trial_that_was_over_before_its_outcome_was_written_is_not_trained_on",),
    ),
    Fault(
        "search/what was trained before decides, though nobody asked for it now",
        "ddtrain/search/stages.py",
        "return latest(self._played)",
        "return latest(self._known.values())",
        (f"{STUDY}::test_a_search_may_be_given_more_and_finds_what_it_would_have_found",),
    ),
    Fault(
        "search/an error on one rank is taken for a trial that failed",
        "ddtrain/search/groups.py",
        "        return work.test()\n",
        "        return True\n",
        (GROUPS,),
    ),
    Fault(
        "search/two groups train the same trial",
        "ddtrain/search/groups.py",
        "touch(exist_ok=False)",
        "touch()",
        (GROUPS,),
    ),
    Fault(
        "search/the shards of a trial are not settled where it begins",
        "ddtrain/search/study.py",
        "shards = config.run.shards or settings.ranks_per_trial",
        "shards = config.run.shards",
        (f"{STUDY}::test_a_search_goes_on_with_other_ranks_to_a_trial_if_it_has_as_many_shards",),
    ),
    Fault(
        "search/what failed has a line to the figure",
        "ddtrain/search/report/parallel_coordinates.py",
        "        if not outcome.failed:\n            heights.append(",
        "        if True:\n            heights.append(",
        (SHOWN,),
    ),
)
