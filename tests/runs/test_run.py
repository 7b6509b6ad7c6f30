"""Runs that are opened: what they say while they go on and when they are over, and the model that they give."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.callbacks import Callback
from ddtrain.data import ArrayData, Names, Standardize, Vocabulary
from ddtrain.errors import CheckpointError, UsageError
from ddtrain.runs import History, Run, fit
from ddtrain.trainer.evaluation.evaluate import ROWS
from helpers import Net, Plain, make_task


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory = tmp_path_factory.mktemp("runs") / "mine"
    return fit(make_task(), dir=directory, epochs=3, batch_size=7, dtype="float64", name="mine", quiet=True)


def test_the_history_has_the_log_as_arrays(run: Run) -> None:
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    history = run.history
    assert list(history) == ["loss", "accuracy", "lr", "grad_norm", "samples_per_s", "valid_loss", "valid_accuracy"]
    assert history["loss"].tolist() == [line["loss"] for line in lines if "loss" in line]
    assert history.steps("loss").tolist() == list(range(1, 13))
    assert history.steps("valid_loss").tolist() == [4, 8, 12]
    with pytest.raises(UsageError, match=r"no figure 'valid_los'\n  Did you mean valid_loss\?"):
        history["valid_los"]


def test_numbers_that_are_none_come_back_as_such() -> None:
    history = History([{"step": 1, "loss": "NaN"}, {"step": 2, "loss": "Infinity"}, {"step": 3, "loss": 1}])
    np.testing.assert_array_equal(history["loss"], [np.nan, np.inf, 1.0])


def test_what_a_run_says_of_itself(run: Run) -> None:
    assert (run.recipe, run.state, run.status["step"]) == ("mine", "completed", 12)
    assert repr(run) == f"Run({str(run.path)!r}: mine, completed, step 12)"
    assert [int(path.name[-8:]) for path in run.checkpoints] == [4, 8, 12]
    assert run.last == run.checkpoints[-1]
    losses = run.history["valid_loss"]
    assert run.best == run.checkpoints[int(losses.argmin())]
    assert run.config["data"]["batch_size"] == 7


@pytest.mark.parametrize("path", [3, None, ["runs"]])
def test_what_is_no_path_is_no_run(path: Any) -> None:
    with pytest.raises(UsageError, match=r"a run: (an int|nothing|a list) where the path of a directory is wanted"):
        Run(path)


def test_the_model_that_it_gives_is_the_one_that_was_evaluated(run: Run) -> None:
    task = make_task()
    assert task.valid is not None
    assert len(task.valid) <= ROWS
    batch = task.valid.batch(np.arange(len(task.valid)))
    for which in ("best", "last", run.checkpoints[0]):
        losses, _ = task.loss(run.load(Net(), which), *batch)
        index = run.checkpoints.index(run.find(which))
        assert abs(float(np.mean(losses)) - run.history["valid_loss"][index]) < 1e-12


def test_what_was_fitted_comes_back_with_the_model(tmp_path: Path) -> None:
    task = make_task()
    x = task.train.arrays[0]  # type: ignore[attr-defined]
    fitted = {
        "inputs": Standardize.fit(ArrayData(x)),
        "classes": Names("abcd"),
        "words": Vocabulary(["to", "be", "to"]),
    }
    run = fit(replace(task, fitted=fitted), dir=tmp_path / "run", epochs=1, batch_size=7, quiet=True)
    stored = run.fitted()
    assert stored["classes"] == {"names": ["a", "b", "c", "d"]}
    np.testing.assert_array_equal(Standardize.from_state(stored["inputs"])(x), fitted["inputs"](x))  # type: ignore[operator]
    assert Vocabulary.from_state(stored["words"]).tokens == ["<unk>", "to", "be"]
    names, scale = Names(), Standardize(np.zeros(6), np.ones(6))
    run.load(Net(), fitted={"classes": names, "inputs": scale})
    assert list(names) == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(scale.mean, fitted["inputs"].mean)  # type: ignore[union-attr]
    with pytest.raises(CheckpointError, match="classes: the stored names are"):
        run.load(Net(), fitted={"classes": Names("dcba")})
    with pytest.raises(CheckpointError, match="it holds what was fitted for nothing, and the task has more"):
        run.load(Net(), fitted={"more": Names("abcd")})


def test_other_classes_are_not_resumed(tmp_path: Path) -> None:
    options: dict[str, Any] = {"dir": tmp_path / "run", "batch_size": 7, "quiet": True}
    fit(replace(make_task(), fitted={"classes": Names("abcd")}), epochs=1, **options)
    with pytest.raises(CheckpointError, match="classes: the stored names are"):
        fit(replace(make_task(), fitted={"classes": Names("dcba")}), epochs=2, resume="auto", **options)


def test_a_model_of_another_tree_is_refused_with_all_that_differs(run: Run) -> None:
    with pytest.raises(CheckpointError, match=r"not of this model: unexpected norm\."):
        run.load(Plain())


def test_what_is_no_run_and_a_run_without_checkpoints(tmp_path: Path) -> None:
    for path in (tmp_path, "~nobody-of-this-name/x"):  # which has no home directory
        with pytest.raises(UsageError, match="no run"):
            Run(path)
    (tmp_path / "config.toml").write_text('recipe = "mine"\n')
    run = Run(tmp_path)
    assert (run.state, dict(run.history), run.checkpoints, run.summary) == ("", {}, [], {})
    for ask in (lambda: run.best, lambda: run.last, lambda: run.load(Net())):
        with pytest.raises(CheckpointError, match="the run has no checkpoint"):
            ask()
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        run.load(Net(), "step-7")


def test_a_run_is_opened_while_it_goes_on(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    class Opened(Callback):
        def checkpoint(self, watched: Any, path: Path) -> None:
            run = Run(watched.directory)
            seen.append((run.state, len(run.history["loss"])))
            run.load(Net(), "last")

    fit(make_task(), dir=tmp_path / "run", epochs=2, batch_size=7, callbacks=[Opened()], quiet=True)
    assert seen == [("running", 4), ("running", 8)]
