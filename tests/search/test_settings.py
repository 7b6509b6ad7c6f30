"""What a search may be told: options of methods, lengths, and what makes no sense."""

from __future__ import annotations

from typing import Any

import pytest
from searches import LineConfig

from ddtrain.errors import UsageError
from ddtrain.search.methods import METHODS, READS
from ddtrain.search.settings import make_settings


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "gird"}, "--method 'gird' is not known: Did you mean grid?"),
        ({"method": "grid", "trials": 3}, "--trials is no option of --method grid: It belongs to random,"),
        ({"method": "random", "factor": 3}, "--factor is no option of --method random: It belongs to halving."),
        ({"method": "halving", "factor": 1}, "--factor 1 is out of range: Give an integer of 2 or more."),
        ({"trials": 0}, "--trials 0 is out of range"),
        ({"winners": 0}, "--winners 0 is out of range"),
        ({"ranks_per_trial": 0}, "--ranks-per-trial 0 is out of range"),
        ({"epochs_per_trial": 3}, "--epochs-per-trial 3 is out of range: Give 1 to 2"),
        ({"method": "halving", "epochs_per_trial": 1}, "--epochs-per-trial is no option of --method halving"),
        ({"method": "halving", "trials": 2}, "--method halving: 2 trials of 2 epochs cannot be divided by --factor 3"),
    ],
)
def test_what_a_search_may_not_be_told_is_one_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_settings(LineConfig(), **options)
    assert raised.value.one_line.startswith(said)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"run": {"steps": 3}}, "search: --run.steps 3: trials are compared after whole epochs"),
        ({"run": {"overfit_batches": 1}}, "search: --run.overfit-batches 1: trials"),
        ({"run": {"lr_range_test": "1e-5:1"}}, "search: --run.lr-range-test 1e-5:1: trials"),
        ({"run": {"resume": "runs/mine"}}, "search: --run.resume 'runs/mine': trials begin anew"),
        ({"eval": {"every": 0}}, "search: --eval.every 0: trials are compared by evaluations"),
    ],
)
def test_options_of_runs_that_make_no_sense_in_a_search(table: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_settings(LineConfig().updated(table))
    assert raised.value.one_line.startswith(said)


def test_trials_end_where_there_are_evaluations() -> None:
    config = LineConfig().updated({"run": {"epochs": 9}, "eval": {"every": 2}})
    assert make_settings(config, epochs_per_trial=4).budget.epochs == 4
    assert make_settings(config, epochs_per_trial=9).budget.epochs == 9  # runs are evaluated at their end, too
    with pytest.raises(UsageError, match="an evaluation is every 2 epochs"):
        make_settings(config, epochs_per_trial=3)


def test_every_method_says_what_it_reads() -> None:
    assert READS.keys() == METHODS.keys()
