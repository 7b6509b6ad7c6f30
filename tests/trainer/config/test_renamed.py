"""Options under their former names: understood, said, and never mixed with the present ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ddtrain.errors import UsageError
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.command_line import Parsed, parse
from ddtrain.trainer.config.config import Config, Run
from ddtrain.trainer.config.renamed import RENAMED

OF_OLD = """
recipe = "mlp"
[run]
seed = 3
debug = true
check_gradients_every = 7
trace = "10:20"
eval_every = 2
patience = 4
checkpoint_every = 5
keep = 9
nonfinite = "skip"
max_skips = 6
"""
VALUES = dict(zip(RENAMED, (True, 7, "10:20", 2, 4, 5, 9, "skip", 6), strict=True))


def parsed(*argv: str) -> Parsed:
    return parse(argv, {"mlp": (Config, "A perceptron.")})


def test_every_new_name_exists_and_no_old_one() -> None:
    leaves = set(tables.leaves(Config()))
    assert set(RENAMED.values()) <= leaves
    assert not leaves & set(RENAMED)


def test_run_keeps_what_is_said_of_the_run() -> None:
    assert [f"{name}" for name in Run.__dataclass_fields__] == [
        *("dir", "shards", "accumulate", "seed", "epochs", "steps", "resume", "dtype"),
        *("limit", "overfit_batches", "lr_range_test"),
    ]


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_option_sets_the_new_one_and_is_said(old: str) -> None:
    value = VALUES[old]
    said = [tables.option(old)] if value is True else [tables.option(old), str(value)]
    for argv in (said, ["=".join(said)] if len(said) > 1 else said, [said[0].replace("-every", "_every"), *said[1:]]):
        found = parsed("mlp", *argv)
        assert tables.lookup(found.config, RENAMED[old]) == value
        assert found.notes == (f"{tables.option(old)} is {tables.option(RENAMED[old])} now",)


def test_the_negation_of_a_boolean_too() -> None:
    assert parsed("--run.no-debug").notes == ("--run.no-debug is --debug.no-nans now",)


def test_an_old_file_is_understood_and_each_name_said_once(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(OF_OLD)
    found = parsed("--config", str(tmp_path / "old.toml"))
    assert {old: tables.lookup(found.config, new) for old, new in RENAMED.items()} == VALUES
    assert found.config.run.seed == 3
    assert len(found.notes) == len(RENAMED)
    assert f"--config {tmp_path}/old.toml: run.keep is checkpoint.keep now" in found.notes
    (tmp_path / "new.toml").write_text(found.config.to_toml("mlp"))
    again = parsed("--config", str(tmp_path / "new.toml"))
    assert again.config == found.config
    assert again.notes == ()


def test_the_run_directory_of_an_older_release_goes_on_with_its_options(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(OF_OLD)
    found = parsed("--run.dir", str(tmp_path), "--run.resume", "auto")
    lasting = {new for new in RENAMED.values() if not new.startswith("debug.")}
    assert {new: tables.lookup(found.config, new) for new in lasting} == {
        new: VALUES[old] for old, new in RENAMED.items() if new in lasting
    }
    assert found.config.debug == Config().debug, "of one start, and not of the run"
    assert found.notes == (), "nobody wrote that file by hand"


def test_both_names_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--run\.keep and --checkpoint\.keep are one option.*\n.*--checkpoint\.keep"):
        parsed("--run.keep", "5", "--checkpoint.keep=3")
    (tmp_path / "both.toml").write_text("[run]\nkeep = 5\n[checkpoint]\nkeep = 3\n")
    with pytest.raises(UsageError, match=r"run\.keep and checkpoint\.keep are one option"):
        parsed("--config", str(tmp_path / "both.toml"))


def test_the_command_line_wins_over_an_old_file_under_either_name(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text("[run]\nkeep = 5\n")
    for option in ("--run.keep", "--checkpoint.keep"):
        assert parsed("--config", str(tmp_path / "old.toml"), option, "7").config.checkpoint.keep == 7


def test_a_typo_of_an_old_name_leads_to_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text("[run]\nmax_skps = 3\n")
    with pytest.raises(UsageError, match=r"unknown key 'run\.max_skps'\n  Did you mean nonfinite\.max_skips\?"):
        parsed("--config", str(tmp_path / "old.toml"))
    with pytest.raises(UsageError, match=r"unknown option --run\.max-skps\n  Did you mean --nonfinite\.max-skips\?"):
        parsed("--run.max-skps", "3")


@dataclass(frozen=True)
class OwnRun(Run):
    """A section with a field of a former name."""

    keep: int = 1


@dataclass(frozen=True)
class Own(Config):
    """A recipe's configuration with that section."""

    run: OwnRun = OwnRun()


def test_an_option_of_a_recipes_own_keeps_its_name() -> None:
    found = parse(["--run.keep", "8"], {"own": (Own, "")})
    assert isinstance(found.config, Own)
    assert found.config.run.keep == 8
    assert found.config.checkpoint.keep == 3
    assert found.notes == ()
    with pytest.raises(UsageError, match=r"Did you mean --run\.keep\?"):
        parse(["--run.kepp", "8"], {"own": (Own, "")})


def test_a_mistake_in_an_old_file_is_still_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text("checkpoint = 3\n[run]\nkeep = 5\n")
    with pytest.raises(UsageError, match="checkpoint"):
        parsed("--config", str(tmp_path / "old.toml"))
    (tmp_path / "old.toml").write_text("[run]\nkeep = 'x'\n")
    with pytest.raises(UsageError, match=r"checkpoint\.keep"):
        parsed("--config", str(tmp_path / "old.toml"))


def test_former_fields_of_run_are_understood_in_a_script() -> None:
    with pytest.warns(DeprecationWarning, match=r"Run\(keep=\.\.\.\) is the section checkpoint's keep now"):
        config = Config(run=Run(epochs=3, keep=7))  # type: ignore[call-arg]
    assert (config.run, config.checkpoint.keep) == (Run(epochs=3), 7)
    assert config.updated({"checkpoint": {"keep": 2}}).checkpoint.keep == 2, "it is not put there again"
    with pytest.raises(TypeError, match="unexpected keyword argument 'keeep'"):
        Run(keeep=7)  # type: ignore[call-arg]
