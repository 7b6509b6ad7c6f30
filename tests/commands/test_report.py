"""``ddtrain report``: its files, its mistakes, and the same verb of a user's script."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pages import Page

from ddtrain.__main__ import main
from ddtrain.commands import script
from ddtrain.runs import fit
from ddtrain.trainer.config.config import Config
from helpers import make_task


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(fit(make_task(), dir=tmp_path_factory.mktemp("runs") / "mine", epochs=2, name="mine", quiet=True).path)


def test_the_file_is_named(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", run]) == 0
    assert capsys.readouterr().out == f"{run}/report.html\n"
    assert main(["report", run, "-o", str(tmp_path / "other.html")]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/other.html\n"
    assert "is not known here" in Page((tmp_path / "other.html").read_text()).text


def test_a_script_compares_with_its_own_defaults(run: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["mine.py"])
    config = Config().updated({"run": {"epochs": 2}})
    with pytest.raises(SystemExit) as ended:
        script.main(lambda config: make_task(), config, ["report", run, "-o", str(tmp_path / "report.html")])
    assert ended.value.code == 0
    assert "All options are the defaults of recipe mine." in Page((tmp_path / "report.html").read_text()).text


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([], 2, "required: RUN"),
        (["nowhere"], 2, "nowhere: no run (it has no config.toml)"),
        (["RUN", "RUN"], 2, "is given twice"),
        (["RUN", "-o", "/nowhere/report.html"], 74, "cannot write /nowhere/report.html: No such file or directory"),
    ],
)
def test_mistakes_are_one_line(
    args: list[str], code: int, said: str, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *(run if arg == "RUN" else arg for arg in args)]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
