"""Whole jobs, from a command line to an exit code, in this process and under mpirun."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty import RECIPES

import helpers
from ddtrain.trainer.main import run

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def job(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """``job(ranks, *args)``: the faulty recipe, or one that is named. 0 ranks: in this process, else under mpirun."""
    monkeypatch.chdir(tmp_path)

    def start(ranks: int, *args: str, **environ: str) -> Done:
        if ranks or environ:
            return helpers.launch(ranks, *args, cwd=tmp_path, **environ)
        capfd.readouterr()
        code = run(args, RECIPES)
        return Done(args, code, *capfd.readouterr())

    return start


@pytest.fixture
def complaint() -> Callable[[Done, int], str]:
    """``complaint(done, code)``: the one line that a run ended with, after checking that it says nothing else."""

    def check(done: Done, code: int) -> str:
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        (line,) = done.stderr.splitlines()
        assert line.startswith("ddtrain: error: ")
        return line.removeprefix("ddtrain: error: ")

    return check
