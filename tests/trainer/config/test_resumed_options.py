"""A resumed run goes on with what it was told, except for what was said of one start alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ddtrain.errors import UsageError
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Checkpoint, Comm, Config, Debug, Evaluation, Run
from ddtrain.trainer.file_names import STATE

TOLD = Config(
    run=Run(dir="elsewhere", steps=5, resume="auto", epochs=7),
    comm=Comm(backend="threads:2", mode="local"),
    eval=Evaluation(every=2),
    checkpoint=Checkpoint(every=5),
    debug=Debug(nans=True, check_gradients_every=3, trace="1:2"),
)


def test_all_but_what_was_said_of_one_start(tmp_path: Path) -> None:
    """Found by the run's directory, that of its checkpoints, and each of them."""
    saved = tmp_path / "checkpoints" / "step-00000005"
    saved.mkdir(parents=True)
    (saved / STATE).touch()
    (tmp_path / "config.toml").write_text(TOLD.to_toml("a"))
    for path in (tmp_path, saved.parent, saved):
        found = command_line.parse(["--run.dir", "new", "--run.resume", str(path)], {"a": (Config, "")}).config
        assert found == Config(
            run=Run(dir="new", resume=str(path), epochs=7),
            comm=Comm(mode="local"),
            eval=TOLD.eval,
            checkpoint=TOLD.checkpoint,
        )


def test_what_is_said_again_counts(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(TOLD.to_toml("a"))
    again = ["--run.dir", str(tmp_path), "--run.resume=auto", "--run.epochs", "9"]
    assert command_line.parse(again, {"a": (Config, "")}).config.run.epochs == 9


def test_a_script_under_another_name_goes_on_with_its_run(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(replace(Config(), run=Run(epochs=7)).to_toml("old"))
    again = ["--run.dir", str(tmp_path), "--run.resume", "auto"]
    assert command_line.parse(again, {"new": (Config, "")}, only="new").config.run.epochs == 7
    with pytest.raises(UsageError, match="take the line with the recipe out of the file"):
        command_line.parse(["--config", str(tmp_path / "config.toml")], {"new": (Config, "")}, only="new")


def test_the_file_of_a_run_is_not_blamed_on_an_option_that_was_not_given(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[run]\nepoch = 3")
    with pytest.raises(UsageError) as caught:
        command_line.parse(["--run.dir", str(tmp_path), "--run.resume", "auto"], {"a": (Config, "")})
    assert caught.value.message == f"{tmp_path / 'config.toml'}: unknown key 'run.epoch'"
