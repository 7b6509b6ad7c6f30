"""Searches from beginning to end: what wins, on how many ranks, killed and taken up again, with trials that fail."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import LineConfig, line_task, search, study, summary

import ddtrain
from ddtrain.comm import run_ranks
from ddtrain.errors import DataError, StoppedError, UsageError
from ddtrain.search.apart import apart
from ddtrain.search.judge import Judge
from ddtrain.trainer.checkpoint import writer

RATES = {"optim.lr": {"choices": [0.001, 0.1, 0.01]}}


FOUR = LineConfig().updated({"run": {"epochs": 4}})  # epochs that can be halved twice


def straight(tmp_path: Path, lr: float, config: LineConfig = LineConfig()) -> float:  # noqa: B008  it is frozen
    """The lowest validation loss of a run that knows nothing of a search."""
    config = config.updated({"optim": {"lr": lr}, "run": {"shards": 1}})
    run = ddtrain.fit(apart(line_task), config=config, dir=tmp_path / f"straight-{lr}", quiet=True)
    return float(run.history["valid_loss"].min())


def status_of(directory: Path, trial: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "trials" / f"{trial:03d}" / "status.json").read_text())
    return found


def test_the_best_of_a_grid_wins(tmp_path: Path) -> None:
    found = search(tmp_path / "search", RATES, method="grid")
    scores = {trial["values"]["optim.lr"]: trial["score"] for trial in found["trials"]}
    assert scores == {lr: straight(tmp_path, lr) for lr in (0.1, 0.01, 0.001)}
    assert [trial["values"]["optim.lr"] for trial in found["trials"]] == sorted(scores, key=lambda lr: scores[lr])
    assert found["winners"] == [trial["trial"] for trial in found["trials"]]
    members = [figures["valid_loss"] for figures in found["figures"]]
    assert members == pytest.approx([trial["score"] for trial in found["trials"]], rel=1e-12)
    # Jensen: the squared error of a mean answer is at most the mean of the errors
    assert found["ensemble"]["valid_loss"] < np.mean(members)
    assert found["ensemble"]["test_loss"] < np.mean([figures["test_loss"] for figures in found["figures"]])


def test_what_is_given_up_and_goes_on_is_what_was_never_stopped(tmp_path: Path) -> None:
    """Schedules are those of whole runs, and a trial that goes on does so from its own checkpoint."""
    found = search(tmp_path / "search", RATES, config=FOUR, method="halving", factor=2, trials=4, winners=4)
    assert {trial["epochs"] for trial in found["trials"]} == {4}, "winners are trained to their end"
    assert {t["values"]["optim.lr"]: t["score"] for t in found["trials"]} == {
        lr: straight(tmp_path, lr, FOUR) for lr in {t["values"]["optim.lr"] for t in found["trials"]}
    }


def test_halving_gives_up_the_worst(tmp_path: Path) -> None:
    found = search(tmp_path / "search", config=FOUR, method="halving", factor=2, trials=4, winners=1)
    legs = [json.loads(path.read_text())["legs"] for path in sorted(tmp_path.glob("search/trials/*/trial.json"))]
    after = {
        epochs: {leg["trial"]: leg["score"] for each in legs for leg in each if leg["epochs"] == epochs}
        for epochs in (1, 2, 4)
    }
    assert [len(scores) for scores in after.values()] == [4, 2, 1]
    for epochs, following in ((1, 2), (2, 4)):
        went_on = set(after[following])
        assert max(after[epochs][t] for t in went_on) < min(after[epochs][t] for t in set(after[epochs]) - went_on)
    (winner,) = found["winners"]
    assert set(after[4]) == {winner}


@pytest.mark.parametrize(
    "options", [{"method": "random"}, {"method": "halving", "factor": 2}, {"method": "coarse-to-fine"}]
)
def test_the_same_trials_on_any_number_of_ranks(tmp_path: Path, options: dict[str, Any]) -> None:
    alone = search(tmp_path / "1", trials=4, **options)
    for ranks in (2, 3):
        assert search(tmp_path / str(ranks), trials=4, backend=f"threads:{ranks}", **options) == alone
    assert len({trial["values"]["optim.lr"] for trial in alone["trials"]}) == 4


def test_several_ranks_may_train_a_trial_together(tmp_path: Path) -> None:
    two = search(tmp_path / "two", trials=2, ranks_per_trial=2, backend="threads:2")
    four = search(tmp_path / "four", trials=2, ranks_per_trial=2, backend="threads:4")
    assert four == two
    one = search(tmp_path / "one", trials=2, config=LineConfig().updated({"run": {"shards": 2}}))
    assert one == two, "shards are the numeric identity of a run"


def test_a_search_goes_on_with_other_ranks_to_a_trial_if_it_has_as_many_shards(tmp_path: Path) -> None:
    search(tmp_path, trials=1, ranks_per_trial=2, backend="threads:2")
    with pytest.raises(UsageError, match=r"config.run.shards 2, now it is 1"):
        search(tmp_path, trials=2)
    alone = search(tmp_path, trials=2, config=LineConfig().updated({"run": {"shards": 2}}))
    assert len(alone["trials"]) == 2


def test_ranks_that_cannot_be_divided(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--ranks-per-trial 2 does not divide 3 ranks"):
        search(tmp_path / "search", ranks_per_trial=2, backend="threads:3")


class Killed(Exception):
    """Ends a search without a word, as a signal that cannot be caught does."""


def test_a_killed_search_goes_on_without_losing_a_finished_trial(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole", trials=4)
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if line.startswith("trial 002"):
            raise Killed

    with pytest.raises(Killed):
        search(tmp_path / "search", trials=4, tell=tell)
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("search/trials/*/metrics.jsonl")}
    assert len(done) == 3
    assert search(tmp_path / "search", trials=4, backend="threads:2", tell=told.append) == whole
    assert {path: path.stat().st_mtime_ns for path in done} == done, "no finished trial is trained again"
    assert "taken up again: 3 trainings were over before" in told
    assert sorted(line[:9] for line in told if line.startswith("trial 0")) == [f"trial {n:03d}" for n in range(4)]


def test_a_trial_that_was_over_before_its_outcome_was_written_is_not_trained_on(tmp_path: Path) -> None:
    """A kill may come between a run's last step and the trial's record."""
    options: dict[str, Any] = {"trials": 3, "epochs_per_trial": 1, "winners": 1}
    found = search(tmp_path, **options)
    for trial in found["trials"]:
        (tmp_path / "trials" / f"{trial['trial']:03d}" / "trial.json").unlink()
    assert search(tmp_path, **options) == found
    assert [status_of(tmp_path, trial["trial"])["step"] for trial in found["trials"]] == [12, 6, 6]


def killed_after(evaluations: int) -> Callable[..., None]:
    """Adds so many evaluations to their checkpoints, and then does not live to do so again."""
    left, amend = iter(range(evaluations)), writer.amend

    def amend_or_die(*args: Any) -> None:
        if next(left, None) is None:
            raise Killed
        amend(*args)

    return amend_or_die


@pytest.mark.parametrize(("method", "ranks"), [("random", 1), ("halving", 2)])
def test_killed_between_an_evaluation_and_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, ranks: int
) -> None:
    """The log has the figures then, and no checkpoint is the best by them: the evaluation is made again."""
    options: dict[str, Any] = {"trials": 2, "method": method, "config": FOUR, "ranks_per_trial": ranks}
    options |= {"factor": 2} if method == "halving" else {}
    whole = search(tmp_path / "whole", backend=f"threads:{ranks}", **options)
    for number in range(4):  # the fourth is past the first that has other steps behind it, by either method
        with monkeypatch.context() as patch:
            patch.setattr(writer, "amend", killed_after(number))
            with pytest.raises(Killed):
                search(tmp_path / f"{number}", backend=f"threads:{ranks}", **options)
        assert search(tmp_path / f"{number}", backend=f"threads:{ranks}", **options) == whole, number


def test_a_search_that_is_stopped_goes_on_in_the_middle_of_a_trial(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole", trials=2)
    directory = tmp_path / "search"

    def build(settings: Any) -> Any:
        if (directory / "trials" / "000" / "trial.json").exists():
            (directory / "STOP").touch()  # as `touch SEARCH/STOP` does while the second trial begins
        return line_task(settings)

    with pytest.raises(StoppedError, match="stopped on request"):
        search(directory, trials=2, build=build)
    status = status_of(directory, 1)
    assert (status["state"], status["step"]) == ("stopped", 1)
    assert not (directory / "STOP").exists()
    assert search(directory, trials=2) == whole


LONGER: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"trials": 2}, {"trials": 4}),
    ({"trials": 4, "winners": 3, "epochs_per_trial": 1}, {"trials": 5, "winners": 1, "epochs_per_trial": 1}),
    (
        {"method": "halving", "trials": 3, "factor": 2, "config": FOUR},
        {"method": "halving", "trials": 4, "factor": 2, "winners": 1, "config": FOUR},
    ),
]


@pytest.mark.parametrize(("before", "after"), LONGER, ids=["trials", "winners", "halving"])
def test_a_search_may_be_given_more_and_finds_what_it_would_have_found(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Trials that were trained further before, as they won then, are no further ahead for that."""
    search(tmp_path / "search", **before)
    assert search(tmp_path / "search", **after) == search(tmp_path / "whole", **after)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"method": "grid"}, "method 'random', now it is 'grid'"),
        ({"config": LineConfig().updated({"optim": {"momentum": 0.5}})}, "config.optim.momentum 0.9, now it is 0.5"),
        ({"space": {"optim.lr": {"uniform": [0.1, 0.2]}}}, "space.optim.lr.log_uniform"),
    ],
)
def test_another_search_in_the_directory_is_named(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    search(tmp_path, trials=1)
    with pytest.raises(UsageError, match=named):
        search(tmp_path, **{"trials": 1} | change if "method" not in change else change)


def test_the_directory_of_a_run_is_no_place_for_a_search(tmp_path: Path) -> None:
    ddtrain.fit(line_task, config=LineConfig(), dir=tmp_path, quiet=True)
    with pytest.raises(UsageError, match="holds a run, not a search"):
        search(tmp_path)


def test_a_record_of_other_values_is_not_believed(tmp_path: Path) -> None:
    search(tmp_path, trials=1)
    path = tmp_path / "trials" / "000" / "trial.json"
    record = json.loads(path.read_text())
    record["legs"][0]["values"]["optim.lr"] = 0.2
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"has .'optim.lr': 0.2., not"):
        search(tmp_path, trials=1)
    path.write_text("{")
    with pytest.raises(DataError, match=r"trial.json is damaged"):
        search(tmp_path, trials=1)


def test_a_trial_that_diverges_fails_and_the_search_goes_on(tmp_path: Path) -> None:
    told: list[str] = []
    space = {"optim.lr": {"choices": [1e200, 0.01]}}
    found = search(tmp_path, space, method="grid", tell=told.append)
    assert [trial["trial"] for trial in found["trials"]] == [1, 0]
    failed = found["trials"][1]
    assert failed["score"] == "NaN"
    assert "loss is" in failed["why"]
    assert found["winners"] == [1]
    assert any(line.startswith("trial 000: failed, with optim.lr 1e+200: ") and "\n" not in line for line in told)
    assert status_of(tmp_path, 0)["state"] == "failed"
    assert "failed" in (tmp_path / "search.html").read_text()


def test_a_trial_whose_options_contradict_each_other_fails(tmp_path: Path) -> None:
    space = {"optim.lr": {"choices": [0.1, 0.001]}, "schedule.min_lr": {"choices": [0.01]}}
    found = search(tmp_path, space, method="grid")
    assert [trial["trial"] for trial in found["trials"]] == [0, 1]
    assert "--schedule.min-lr 0.01 is above --optim.lr 0.001" in found["trials"][1]["why"]


def test_where_all_trials_fail_the_search_does(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="all 2 trials have failed; the first: "):
        search(tmp_path, {"optim.lr": {"choices": [1e200, 1e210]}}, method="grid", backend="threads:2")


def test_an_error_on_one_rank_of_a_group_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other rank of its group waits for a sum; those of the other group train, or wait for their next trial."""
    monkeypatch.setattr("ddtrain.search.groups._ALIKE_S", 0.1)

    def build(config: Any) -> Any:
        task = line_task(config)
        loss = task.loss

        def failing(model: Any, x: Any, y: Any) -> Any:
            if threading.current_thread().name == "rank 1":
                raise UsageError("only here")
            return loss(model, x, y)

        return ddtrain.Task(task.model, failing, train=task.train, valid=task.valid)

    began = time.monotonic()
    errors: list[BaseException] = []
    body = study(tmp_path / "search", build=build, trials=6, ranks_per_trial=2)
    assert run_ranks("threads:4", body, lambda error, rank: errors.append(error)) == 2
    assert "only here" in str(errors[0])
    assert time.monotonic() - began < 30, "it does not hang"


def test_coarse_to_fine_draws_from_finer_ranges(tmp_path: Path) -> None:
    found = search(tmp_path, method="coarse-to-fine", trials=9, rounds=3)
    tried = {trial["trial"]: trial for trial in found["trials"]}
    rates = np.log10([tried[n]["values"]["optim.lr"] for n in range(9)])
    decades = [np.ptp(rates[3:6]), np.ptp(rates[6:])]
    whole = np.log10(0.3 / 1e-3)
    assert decades[0] < whole / 4 * 1.01
    assert decades[1] < whole / 16 * 1.01
    best = min((tried[n] for n in range(3)), key=lambda trial: trial["score"])
    assert abs(rates[3:6] - rates[best["trial"]]).max() <= whole / 4 * 1.01, "around the best so far"


def test_the_border_is_warned_of_and_the_next_space_is_a_space(tmp_path: Path) -> None:
    warned: list[str] = []
    low, wide = ({"optim.lr": {"log_uniform": ends}} for ends in ([1e-4, 1e-3], [1e-3, 10.0]))
    found = search(tmp_path / "a", low, method="grid", points=3, warn=warned.append)
    assert warned == found["warnings"]
    assert warned == [
        "the best optim.lr, 0.001, lies on the border of its range 0.0001 to 0.001: try 0.00075 to 0.00133"
    ]
    inside: list[str] = []
    search(tmp_path / "b", wide, method="grid", points=5, warn=inside.append)
    assert inside == []
    assert (tmp_path / "a" / "next-space.toml").read_text() == "[optim.lr]\nlog_uniform = [0.00075, 0.00133]\n"
    assert search(tmp_path / "c", found["next_space"], trials=1)["trials"][0]["values"]["optim.lr"] > 0.00075


def test_winners_of_different_models_are_an_ensemble(tmp_path: Path) -> None:
    found = search(tmp_path, {"model.hidden": {"choices": [2, 4, 8]}}, method="grid")
    assert found["combine"] == "outputs"
    assert found["ensemble"].keys() == found["figures"][0].keys() >= {"valid_loss", "test_loss", "test_close"}


def test_winners_that_cannot_answer_together_are_evaluated_alone(tmp_path: Path) -> None:
    def build(config: Any) -> Any:
        task = line_task(config)
        return ddtrain.Task(task.model, task.loss, task.train, task.train if config.model.hidden == 2 else task.valid)

    warned: list[str] = []
    found = search(tmp_path, {"model.hidden": {"choices": [2, 4]}}, method="grid", build=build, warn=warned.append)
    assert found["ensemble"] == {}
    assert len(found["figures"]) == 2
    assert warned[0].startswith("the winners are no ensemble: the runs have different validation data")


def test_what_is_to_be_maximized_is(tmp_path: Path) -> None:
    found = search(tmp_path, RATES, method="grid", judge=Judge("valid_close", maximize=True), winners=1)
    shares = [trial["figures"]["valid_close"] for trial in found["trials"]]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(("backend", "groups"), [("local", 1), ("threads:2", 2)])
def test_a_figure_that_there_is_not_is_noticed_by_the_first_evaluation(
    tmp_path: Path, backend: str, groups: int
) -> None:
    longer = LineConfig().updated({"run": {"epochs": 5}})
    with pytest.raises(UsageError, match=r"trials have no figure 'valid_cloze'\n  Did you mean valid_close\?"):
        search(tmp_path, RATES, method="grid", judge=Judge("valid_cloze"), config=longer, backend=backend)
    begun = [int(path.name) for path in (tmp_path / "trials").iterdir()]
    assert 1 <= len(begun) <= groups, "a group has begun a second trial"
    assert all(status_of(tmp_path, trial)["step"] <= 7 for trial in begun), "of 30: 6 an epoch, and that of the stop"
    mended = search(tmp_path, RATES, method="grid", judge=Judge("valid_close", True), config=longer, backend=backend)
    whole = search(tmp_path / "whole", RATES, method="grid", judge=Judge("valid_close", True), config=longer)
    assert mended == whole, "as nothing was chosen by the figure, the search goes on with another"
    with pytest.raises(UsageError, match=r"judge.figure 'valid_close', now it is 'valid_loss'"):
        search(tmp_path, RATES, method="grid", config=longer)


def test_short_trials_and_longer_winners(tmp_path: Path) -> None:
    found = search(tmp_path, trials=3, epochs_per_trial=1, winners=1)
    assert [trial["epochs"] for trial in found["trials"]] == [2, 1, 1]
    given_up = [status_of(tmp_path, trial["trial"]) for trial in found["trials"][1:]]
    assert [(status["state"], status["step"]) for status in given_up] == [("stopped", 6)] * 2, "no step too many"
    assert summary(tmp_path)["winners"] == [found["trials"][0]["trial"]]
