"""What a search is told, beside its space and the options of its trials, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ddtrain.errors import UsageError, quoted
from ddtrain.search.judge import Judge
from ddtrain.search.methods import METHODS, READS, Budget, rungs
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config

_LEAST = {"trials": 1, "points": 1, "factor": 2, "rounds": 1}


@dataclass(frozen=True)
class Settings:
    """How to search.

    Attributes
    ----------
    method : a key of ``methods.METHODS``
    winners : how many of the best trials are trained to completion, and make an ensemble
    ranks_per_trial : the ranks of a group
    """

    method: str = "random"
    budget: Budget = Budget()
    judge: Judge = Judge()
    winners: int = 3
    ranks_per_trial: int = 1


def make_settings(
    config: Config,
    method: str = "random",
    *,
    epochs_per_trial: int | None = None,
    judge: Judge | None = None,
    winners: int = 3,
    ranks_per_trial: int = 1,
    **told: int | None,
) -> Settings:
    """The settings of a search, of which None means the usual.

    Parameters
    ----------
    config : of all trials
    epochs_per_trial : of all but the winners, by default ``run.epochs``; halving has lengths of its own
    told : trials, points, factor and rounds, see :class:`ddtrain.search.methods.Budget`

    Raises
    ------
    UsageError : an option is out of range, is none of the method's, or makes no sense in a search

    >>> make_settings(Config(), "grid", points=3).budget.points
    3
    >>> make_settings(Config(), "grid", trials=3)
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --trials is no option of --method grid
      It belongs to random, halving, coarse-to-fine.
    """
    if method not in METHODS:
        hint = did_you_mean(method, METHODS)
        remedy = f"{hint} There is {', '.join(METHODS)}.".lstrip()
        raise UsageError(f"--method {quoted(method)} is not known", remedy=remedy)
    _check_run(config)
    for option, value in (("winners", winners), ("ranks-per-trial", ranks_per_trial)):
        _check_range(option, value, 1)
    given = {name: value for name, value in told.items() if value is not None}
    for name, value in given.items():
        if name not in READS[method]:
            others = ", ".join(other for other, reads in READS.items() if name in reads)
            raise UsageError(f"--{name} is no option of --method {method}", remedy=f"It belongs to {others}.")
        _check_range(name, value, _LEAST[name])
    budget = Budget(epochs=_length(config, method, epochs_per_trial), every=config.eval.every, **given)
    if method == "halving":
        rungs(budget)
    return Settings(method, budget, judge or Judge(), winners, ranks_per_trial)


def _check_range(name: str, value: Any, least: int) -> None:
    if type(value) is not int or value < least:
        raise UsageError(f"--{name} {quoted(value)} is out of range", remedy=f"Give an integer of {least} or more.")


def _check_run(config: Config) -> None:
    run, leave_out = config.run, "Leave it out."
    if run.resume not in ("never", "auto"):
        raise UsageError(f"search: --run.resume {quoted(run.resume)}: trials begin anew", remedy=leave_out)
    for option in ("steps", "overfit_batches", "lr_range_test"):
        if value := getattr(run, option):
            name = tables.option(f"run.{option}")
            raise UsageError(f"search: {name} {value}: trials are compared after whole epochs", remedy=leave_out)
    if config.eval.every < 1:
        raise UsageError("search: --eval.every 0: trials are compared by evaluations", remedy="Give 1 or more.")


def _length(config: Config, method: str, given: int | None) -> int:
    """The epochs of a trial, which ends where there is an evaluation."""
    whole, every = config.run.epochs, config.eval.every
    if given is None:
        return whole
    if method == "halving":
        raise UsageError("--epochs-per-trial is no option of --method halving", remedy="It belongs to the others.")
    if type(given) is not int or not 1 <= given <= whole:
        raise UsageError(
            f"--epochs-per-trial {quoted(given)} is out of range", remedy=f"Give 1 to {whole} (--run.epochs)."
        )
    if given % every and given != whole:
        raise UsageError(
            f"--epochs-per-trial {given}, but an evaluation is every {every} epochs (--eval.every)",
            remedy=f"Give a multiple of {every}.",
        )
    return given
