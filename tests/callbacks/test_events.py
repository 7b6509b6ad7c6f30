"""Events of callbacks: which, when, on which ranks; that they change no bit, and how they end a run."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddtrain
import helpers
from ddtrain import nn
from ddtrain.callbacks import Callback, Norms
from ddtrain.errors import UsageError
from ddtrain.runs import Run, fit
from helpers import Net, make_task

BACKENDS = ("local", "threads:3")
EPOCHS, STEPS = 2, 8  # of 23 samples in batches of 7


def trained(directory: Path, **options: Any) -> Run:
    """A run of two epochs in a batch size that leaves a ragged rest."""
    defaults: dict[str, Any] = {"epochs": EPOCHS, "batch_size": 7, "dtype": "float64", "quiet": True}
    return fit(options.pop("task", make_task()), dir=directory, **(defaults | options))


class Diary(Callback):
    """Writes down what it was told, on every rank into one list."""

    norms_every = 3
    told: list[tuple[Any, ...]] = []  # noqa: RUF012  copies of the callback, one a rank, write into one list

    def start(self, run: Any) -> None:
        self.told.append((run.rank, "start", run.step, run.total_steps, run.directory is None))

    def step(self, run: Any) -> None:
        self.told.append((run.rank, "step", run.step, run.epoch, sorted(run.figures), dict(run.norms)))

    def evaluation(self, run: Any) -> None:
        self.told.append((run.rank, "evaluation", run.step, run.figures["valid_loss"]))

    def checkpoint(self, run: Any, path: Path) -> None:
        self.told.append((run.rank, "checkpoint", run.step, path.is_dir()))

    def end(self, run: Any) -> None:
        self.told.append((run.rank, "end", run.step))


@pytest.mark.parametrize("backend", BACKENDS)
def test_all_ranks_are_told_the_same_in_the_same_order(backend: str, tmp_path: Path) -> None:
    Diary.told.clear()
    run = trained(tmp_path / "run", backend=backend, callbacks=[Diary()])
    by_rank: dict[int, list[Any]] = {}
    for rank, *event in Diary.told:
        by_rank.setdefault(rank, []).append(event)
    assert [event[:2] for event in by_rank[0]] == [
        ["start", 0],
        *(["step", k] for k in range(1, 5)), ["checkpoint", 4], ["evaluation", 4],
        *(["step", k] for k in range(5, 9)), ["checkpoint", 8], ["evaluation", 8],
        ["end", 8],
    ]  # fmt: skip
    assert by_rank[0][0] == ["start", 0, STEPS, False]
    for rank, events in by_rank.items():
        alike = [["start", 0, STEPS, rank > 0], *by_rank[0][1:]]
        assert events == alike, rank
    assert [event[2] for event in by_rank[0] if event[0] == "evaluation"] == run.history["valid_loss"].tolist()
    assert by_rank[0][1][3] == ["accuracy", "grad_norm", "loss", "lr", "samples_per_s"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_norms_are_those_of_the_whole_gradient_and_of_the_values(backend: str, tmp_path: Path) -> None:
    """The square root of the sum over parameters is the gradient's norm in the log; values are those saved."""
    Diary.told.clear()
    run = trained(tmp_path / "run", backend=backend, callbacks=[Diary()], steps=6)
    norms = {event[2]: event[5] for event in Diary.told if event[:2] == (0, "step")}
    assert [step for step, found in norms.items() if found] == [3, 6]
    for step in (3, 6):
        whole = np.sqrt(sum(found.gradient**2 for found in norms[step].values()))
        assert abs(whole - run.history["grad_norm"][step - 1]) < 1e-12 * whole
    values = nn.from_torch(Net(), run.snapshot("last").model)
    for name, found in norms[6].items():
        assert isinstance(found, Norms)
        expected = np.linalg.norm(values[name])
        assert abs(found.value - expected) < 1e-12 * expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_callbacks_change_no_bit(backend: str, tmp_path: Path) -> None:
    bare = trained(tmp_path / "bare", backend=backend)
    watched = trained(tmp_path / "watched", backend=backend, callbacks=[Diary()], log={"to": "csv, time_limit"})
    for name in ("params_sha256", "model_sha256"):
        assert watched.summary[name] == bare.summary[name]


def test_what_a_callback_sees_cannot_be_written_to(tmp_path: Path) -> None:
    class Meddler(Callback):
        def step(self, run: Any) -> None:
            run.model.head.weight[...] = 0

    with pytest.raises(ValueError, match="read-only"):
        trained(tmp_path / "run", callbacks=[Meddler()])


class Fails(Callback):
    """Raises in one event of one step, on one rank."""

    def __init__(self, event: str, step: int, rank: int) -> None:
        def fail(run: Any, *rest: Any) -> None:
            if run.rank == rank and run.step >= step:
                raise ZeroDivisionError("mine")

        setattr(self, event, fail)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("event", "step", "saved"), [("start", 0, 0), ("step", 2, 3), ("evaluation", 4, 5), ("end", 8, 8)]
)
def test_one_that_fails_ends_the_run_by_name_after_a_checkpoint(
    backend: str, event: str, step: int, saved: int, tmp_path: Path
) -> None:
    rank = 0 if backend == "local" else 2
    with pytest.raises(ZeroDivisionError) as caught:
        trained(tmp_path / "run", backend=backend, callbacks=[Fails(event, step, rank)])
    assert f"callback Fails, event {event}, rank {rank}, step {step}" in caught.value.__notes__
    run = Run(tmp_path / "run")
    assert (run.state, run.status["rank"]) == ("failed", rank)
    assert [int(path.name[-8:]) for path in run.checkpoints[-1:]] == [saved] * (saved > 0)


def test_ranks_with_different_callbacks_are_refused(tmp_path: Path) -> None:
    class Choosy(Diary):
        def __deepcopy__(self, memo: Any) -> Callback:
            return Diary()

    with pytest.raises(UsageError, match=r"ranks disagree: list of callbacks is .*Diary"):
        trained(tmp_path / "run", backend="threads:3", callbacks=[Choosy()])


class Misspelt(Callback):
    """Watches nothing, by mistake."""

    def steps(self, run: Any) -> None:
        raise AssertionError("never called")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["csv"], "callbacks[0] is a str, not a ddtrain.Callback\n  Shipped ones go by name"),
        ([Diary], "not a ddtrain.Callback\n  Make one of the class: Diary()."),
        ([Diary(), Misspelt()], "callbacks[1], a Misspelt, has none of the events start, step,"),
    ],
)
def test_what_is_no_callback_is_refused_before_anything_is_written(given: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        trained(tmp_path / "run", callbacks=given)
    assert said in str(caught.value)
    assert not (tmp_path / "run").exists()


ON_ONE_RANK = r"""
import sys
import ddtrain
from helpers import make_task
from ddtrain.comm import launcher

class One(ddtrain.Callback):
    def step(self, run):
        if run.rank == 0:
            ddtrain.evaluate(run.model, run.task)

given = [] if sys.argv[1:] == ["alone"] and launcher().rank else [One()]
ddtrain.fit(make_task(), dir="run", epochs=1, batch_size=7, dtype="float64", callbacks=given, quiet=True)
"""


def test_under_mpirun_a_callback_of_one_rank_is_refused_and_one_may_evaluate_by_itself(tmp_path: Path) -> None:
    tests = Path(helpers.__file__).parent
    path = os.pathsep.join(map(str, (tests.parent, tests)))
    together = helpers.launch(2, ON_ONE_RANK, cwd=tmp_path, program="-c", PYTHONPATH=path)
    assert together.returncode == 0, together.stderr
    assert Run(tmp_path / "run").state == "completed"
    (tmp_path / "other").mkdir()
    alone = helpers.launch(2, ON_ONE_RANK, "alone", cwd=tmp_path / "other", program="-c", PYTHONPATH=path)
    assert alone.returncode != 0
    assert "ranks disagree: list of callbacks is" in alone.stderr
    assert "Give every rank the same, in the same order." in alone.stderr


def test_a_callback_stops_a_run_as_a_signal_does_and_it_goes_on(tmp_path: Path) -> None:
    class Enough(Callback):
        def step(self, run: Any) -> None:
            if run.step == 3:
                run.stop()

    whole = trained(tmp_path / "whole")
    stopped = trained(tmp_path / "run", callbacks=[Enough()])
    assert (stopped.state, stopped.status["step"], stopped.status["code"]) == ("stopped", 4, 75)
    resumed = trained(tmp_path / "run", resume="auto")
    assert resumed.state == "completed"
    assert resumed.summary["params_sha256"] == whole.summary["params_sha256"]


def test_a_time_that_is_over_stops_a_run(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", log={"to": "time_limit(minutes=1e-9)"})
    assert (run.state, run.status["step"]) == ("stopped", 2)


def test_csv_has_the_log_and_a_resumed_run_goes_on_in_it(tmp_path: Path) -> None:
    def table(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((tmp_path / "run" / f"{name}.csv").read_text().splitlines()))

    trained(tmp_path / "run", log={"to": "csv"}, steps=5)
    run = trained(tmp_path / "run", log={"to": "csv"}, resume=str(Run(tmp_path / "run").checkpoints[0]))
    steps, evaluations = table("steps"), table("evaluations")
    assert [int(line["step"]) for line in steps] == list(range(1, STEPS + 1))
    for name in ("loss", "lr", "grad_norm", "accuracy"):
        assert [float(line[name]) for line in steps] == run.history[name].tolist()
    assert [float(line["valid_loss"]) for line in evaluations] == run.history["valid_loss"].tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cvs", "log={'to': 'cvs'}: there is no callback 'cvs'\n  Did you mean csv?"),
        ("time_limit(hours=1)", "hours is no option of time_limit"),
        ("time_limit(minutes=0)", "is out of range"),
        ("csv(", "is no list of the kind callback"),
    ],
)
def test_a_text_that_names_no_callbacks_is_refused_before_anything_is_written(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        trained(tmp_path / "run", log={"to": text})
    assert said in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_ctrl_c_stops_politely_and_returns_the_run(tmp_path: Path) -> None:
    class Interrupted(Callback):
        def step(self, run: Any) -> None:
            if run.step == 2:
                signal.raise_signal(signal.SIGINT)

    run = trained(tmp_path / "run", callbacks=[Interrupted()])
    assert (run.state, run.status["step"]) == ("stopped", 3)
    assert ddtrain.Run(tmp_path / "run").checkpoints
