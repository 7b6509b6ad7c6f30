"""``ddtrain show``: a few lines on a run, and following it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ddtrain.__main__ import main
from ddtrain.commands import show
from ddtrain.runs import fit
from helpers import make_task


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("runs") / "é 日本"
    return str(fit(make_task(), dir=path, epochs=2, batch_size=7, name="mine", quiet=True).path)


def test_a_run_in_a_few_lines(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", run]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"run          mine in {run}"
    assert lines[1] == "state        completed: all steps done"
    assert lines[2] == "progress     step 8 of 8, epoch 2 of 2"


def test_following_ends_with_the_run_and_its_code(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", run, "--follow"]) == 0
    assert capsys.readouterr().out.startswith("epoch 2/2  step 8/8  loss ")
    stopped = fit(make_task(), dir=tmp_path / "run", epochs=2, steps=1, quiet=True).path
    status = (stopped / "status.json").read_text()
    (stopped / "status.json").write_text(status.replace("completed", "stopped").replace('"code": 0', '"code": 75'))
    assert main(["show", str(stopped), "--follow"]) == 75
    assert main(["show", str(stopped)]) == 0, "it could be shown"


def test_ctrl_c_ends_it_quietly(run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*args: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(show, "follow", interrupted)
    assert main(["show", run, "--follow"]) == 130
    assert capsys.readouterr() == ("\n", "")


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for args, said in (([], "required: RUN"), ([str(tmp_path)], "no run (it has no config.toml)")):
        assert main(["show", *args]) == 2
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1
