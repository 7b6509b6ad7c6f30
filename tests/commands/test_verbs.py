"""Verbs: which there are, what is done without one, and that scripts have the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import ddtrain
from ddtrain.__main__ import main
from ddtrain.commands import script
from ddtrain.commands.verbs import VERBS
from ddtrain.trainer.config.config import Config
from helpers import make_task


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "usage: " in capsys.readouterr().out


def test_the_overview_has_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--help"], ["-h"]):
        assert main(argv) == 0
        shown = capsys.readouterr().out
        assert all(f"\n  {verb} " in shown for verb in VERBS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ddtrain {ddtrain.__version__}\n"


def test_without_a_verb_it_trains(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["digits_mlp"], ["train", "digits-mlp"]):
        assert main([*argv, "--print-config", "--run.seed", "4"]) == 0
        assert "seed = 4" in capsys.readouterr().out


def test_a_verb_that_there_is_not_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generat"]) == 2
    assert capsys.readouterr().err.startswith(
        "ddtrain: error: unknown verb 'generat': Did you mean generate? There are"
    )
    assert main(["digits_mpl"]) == 2
    assert "unknown verb 'digits_mpl': Did you mean digits_mlp? There are" in capsys.readouterr().err


def test_a_script_has_the_same_verbs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mine.py"])
    build = lambda config: make_task(dtype=config.run.dtype)
    run = str(tmp_path / "run")
    for argv in (["--run.epochs", "1", "--run.dir", run], ["train", "--print-config"], ["checkpoint", "verify", run]):
        with pytest.raises(SystemExit) as ended:
            script.main(build, Config(), argv)
        assert ended.value.code == 0
    assert "good, after step 1" in capsys.readouterr().out


NEEDS_NOTHING = {"train", "bench", "check", "doctor"}


@pytest.mark.parametrize(
    ("verb", "wrong"),
    [*((verb, ["--nonsense"]) for verb in VERBS), *((verb, []) for verb in VERBS if verb not in NEEDS_NOTHING)],
)
def test_wrong_arguments_are_one_line_of_every_verb(
    verb: str, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, *wrong]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ddtrain: error: ")


def test_a_scripts_help_begins_with_the_verbs_and_it_has_a_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mine.py"])
    for argv, begins in (
        (["--help"], "usage: python mine.py [VERB]"),
        (["--version"], f"ddtrain {ddtrain.__version__}"),
    ):
        with pytest.raises(SystemExit) as ended:
            script.main(lambda config: make_task(), Config(), argv)
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        assert shown.startswith(begins)
        assert ("--optim.lr" in shown) == (argv == ["--help"])
