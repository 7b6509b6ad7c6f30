"""The status tells the truth: who says what, and what stands."""

import errno
import json
import os
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.data import ArrayData
from ddtrain.errors import DataError, NonFiniteError
from ddtrain.runs import fit
from ddtrain.trainer.evaluation.evaluate import ROWS
from ddtrain.trainer.records import status as status_file
from ddtrain.trainer.records.status import Status, read
from helpers import Net, make_task

RANK_0, RANK_2 = LocalCommunicator(), SimpleNamespace(rank=2, size=4)


def test_a_run_from_start_to_end(tmp_path):
    status = Status(tmp_path, RANK_0)
    status.start()
    assert read(tmp_path)["state"] == "running"
    assert read(tmp_path)["code"] is None
    status.step = 7
    status.progress()
    assert read(tmp_path)["step"] == 7
    status.end("stopped", 75, "stopped on request")
    told = json.loads((tmp_path / "status.json").read_text())
    assert set(told) == {"state", "step", "code", "rank", "reason", "time"}
    assert (told["state"], told["code"], told["rank"], told["reason"]) == ("stopped", 75, 0, "stopped on request")
    assert datetime.fromisoformat(told["time"]).tzinfo is not None


def test_other_ranks_are_silent_until_they_fail(tmp_path):
    status = Status(tmp_path, RANK_2, step=5)
    status.start()
    status.progress()
    status.end("completed", 0, "")
    assert read(tmp_path) == {}
    status.fail(NonFiniteError("loss is nan", remedy="Lower --optim.lr."))
    told = read(tmp_path)
    assert (told["state"], told["code"], told["rank"], told["step"]) == ("failed", 73, 2, 5)
    assert told["reason"] == "loss is nan: Lower --optim.lr."


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (KeyError("x"), 70, "KeyError: 'x'"),
        (KeyboardInterrupt(), 130, "KeyboardInterrupt"),
        (SystemExit(3), 3, "SystemExit: 3"),
        (SystemExit(0), 70, "SystemExit: 0"),
    ],
)
def test_any_other_error_has_the_code_that_its_process_ends_with(tmp_path, error, code, reason):
    Status(tmp_path, RANK_0).fail(error)
    assert (read(tmp_path)["code"], read(tmp_path)["reason"]) == (code, reason)


def test_the_first_failure_stands_and_a_new_start_clears_it(tmp_path):
    Status(tmp_path, RANK_2).fail(ValueError("the cause"))
    Status(tmp_path, RANK_0).fail(RuntimeError("rank 2 is gone"))
    assert read(tmp_path)["reason"] == "ValueError: the cause"
    Status(tmp_path, RANK_0).start()
    assert read(tmp_path)["state"] == "running"


def test_no_place_to_write_is_told_at_start_and_end_and_nowhere_else(tmp_path):
    status = Status(tmp_path / "gone", RANK_0)
    for call in (status.start, lambda: status.end("completed", 0, "")):
        with pytest.raises(DataError, match=r"status\.json"):
            call()
    status.progress()
    status.fail(ValueError())


def no_space(path):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_does_not_leave_a_failed_run_running(tmp_path, monkeypatch):
    status = Status(tmp_path, RANK_0)
    status.start()
    monkeypatch.setattr(os, "fsync", no_space)
    status.fail(DataError("x" * 300))  # longer than what is there
    assert (read(tmp_path)["state"], read(tmp_path)["code"]) == ("failed", 74)
    assert os.listdir(tmp_path) == ["status.json"]


def test_nothing_of_what_is_written_over_stays(tmp_path, monkeypatch):
    status = Status(tmp_path, RANK_0)
    status.end("stopped", 75, "x" * 300)
    monkeypatch.setattr(os, "fsync", no_space)
    status.fail(DataError("y"))  # shorter than what is there
    assert (read(tmp_path)["state"], read(tmp_path)["reason"]) == ("failed", "y")


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", "[" * 100_000])
def test_an_unreadable_status_is_none(tmp_path, text):
    (tmp_path / "status.json").write_text(text)
    assert read(tmp_path) == {}


def test_between_evaluations_it_says_how_far_the_run_has_come(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("ddtrain.trainer.records.status.perf_counter", lambda: now[0])
    told = Status(tmp_path, LocalCommunicator())
    told.start()
    seen = []
    for done in range(1, 9):
        now[0] += 0.4
        told.reached(done)
        seen.append(read(tmp_path)["step"])
    assert seen == [0, 0, 3, 3, 3, 6, 6, 6]


def test_progress_of_one_rank_does_not_hide_the_failure_of_another(tmp_path):
    """Within an evaluation rank 0 may not have heard of it yet."""
    alone = Status(tmp_path, RANK_0)
    alone.start()
    Status(tmp_path, RANK_2).fail(ValueError("the cause"))
    alone.progress()
    assert read(tmp_path)["state"] == "failed"


def test_a_long_evaluation_refreshes_it(tmp_path, monkeypatch):
    """By a clock that goes on two seconds with each batch of it."""
    now = [0.0]
    monkeypatch.setattr(status_file, "perf_counter", lambda: now[0])
    seen = []

    class Slow(ArrayData):
        def batch(self, indices):
            now[0] += 2.0
            seen.append((tmp_path / "run" / "status.json").stat().st_mtime_ns)
            return super().batch(indices)

    task = make_task(Net())
    rows = np.arange(5 * ROWS) % len(task.valid)
    slow = Slow(*task.valid.batch(rows))
    run = fit(replace(task, valid=slow), dir=tmp_path / "run", epochs=1, dtype="float64", quiet=True)
    assert run.state == "completed"
    assert len(set(seen[-5:])) == 5
