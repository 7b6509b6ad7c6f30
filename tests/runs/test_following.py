"""Following: until the run ends, with its exit code, and never longer than its job lives."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from ddtrain.callbacks import Callback
from ddtrain.runs import Run, fit
from ddtrain.runs.following import GONE, Tail, follow
from helpers import make_task


def test_a_run_is_followed_from_another_thread_until_it_ends(tmp_path: Path) -> None:
    began, seen, codes = threading.Event(), threading.Event(), list[int]()

    class Slow(Callback):
        def step(self, run: Any) -> None:
            began.set()
            if run.step == 6:
                assert seen.wait(20), "the follower has seen the first steps"

    class Shown(io.StringIO):
        def write(self, text: str) -> int:
            seen.set()
            return super().write(text)

    shown = Shown()

    def watch() -> None:
        assert began.wait(20)
        codes.append(follow(Run(tmp_path / "run"), shown, every_s=0.01))

    watcher = threading.Thread(target=watch)
    watcher.start()
    fit(make_task(), dir=tmp_path / "run", epochs=3, batch_size=7, callbacks=[Slow()], quiet=True)
    watcher.join(20)
    assert codes == [0]
    lines = shown.getvalue().splitlines()
    assert len(lines) >= 2
    assert lines[-1].startswith("epoch 3/3  step 12/12  loss ")
    assert len(set(lines)) == len(lines), "a line only where something has moved"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ({"state": "completed", "code": 0, "step": 4}, 0),
        ({"state": "stopped", "code": 75, "step": 4}, 75),
        ({"state": "failed", "code": 73, "step": 4}, 73),
        ({"state": "running", "code": None, "step": 4}, GONE),
        ({}, GONE),
    ],
)
def test_the_exit_code_is_the_runs(status: dict[str, Any], code: int, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('recipe = "mine"\n[run]\nepochs = 2\n')
    (tmp_path / "status.json").write_text(json.dumps(status))
    shown = io.StringIO()
    assert follow(Run(tmp_path), shown) == code
    assert shown.getvalue() == ("epoch 1/2  step 4/?\n" if status else "")


def test_a_job_that_ends_between_two_looks_is_not_taken_for_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how it ended, and then gives up its lock: who sees the lock gone first looks at its word again."""
    (tmp_path / "config.toml").write_text('recipe = "mine"\n')
    told = iter([{"state": "running", "step": 1}, {"state": "completed", "code": 0, "step": 2}])
    last = {"state": "completed", "code": 0, "step": 2}
    monkeypatch.setattr(Run, "status", property(lambda self: next(told, last)))
    assert follow(Run(tmp_path), io.StringIO(), every_s=0) == 0


def test_a_terminal_has_a_bar_that_is_erased_at_the_end(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    fit(make_task(), dir=tmp_path / "run", epochs=1, batch_size=7, quiet=True)
    shown = Terminal()
    assert follow(Run(tmp_path / "run"), shown) == 0
    assert "\n" not in shown.getvalue()
    assert shown.getvalue().startswith("\r")
    assert shown.getvalue().endswith("\r\x1b[2K")


def test_the_time_left_is_told_once_the_run_has_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text('recipe = "mine"\n')
    (tmp_path / ".ddtrain-lock").write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
    steps = [{"state": "running", "step": step, "total_steps": 100} for step in (10, 20, 40)]
    told = iter([*steps, {"state": "completed", "step": 100, "total_steps": 100, "code": 0}])
    monkeypatch.setattr(Run, "status", property(lambda self: next(told)))
    clock = iter(range(0, 100, 5))
    monkeypatch.setattr("ddtrain.runs.following.time.monotonic", lambda: next(clock))
    shown = io.StringIO()
    assert follow(Run(tmp_path), shown, every_s=0) == 0
    endings = [line.partition("/100")[2].strip() for line in shown.getvalue().splitlines()]
    assert endings == ["", "ETA 0:40", "ETA 0:20", ""]  # 10 steps in 5 s, then 30 in 10 s


def test_a_log_is_read_once_and_anew_where_a_run_went_back(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    tail.read()
    assert tail.latest == {}
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "valid_loss": 3.0}\n{"step": 3, "lo')
    tail.read()
    assert tail.latest == {"step": 2, "loss": 2.0, "valid_loss": 3.0}
    with path.open("a") as file:
        file.write('ss": 1.0}\nnonsense\n[1]\n{"step": 3, "statistics": "population", "valid_loss": 4.0}\n')
    tail.read()
    assert tail.latest == {"step": 3, "loss": 1.0, "valid_loss": 3.0}
    path.write_text('{"step": 1, "loss": 9.0}\n')
    tail.read()
    assert tail.latest == {"step": 1, "loss": 9.0}
    (tmp_path / "other").write_text('{"step": 5, "loss": 7.0, "more": "than before, so that it is no shorter"}\n')
    (tmp_path / "other").rename(path)
    tail.read()
    assert tail.latest["step"] == 5
