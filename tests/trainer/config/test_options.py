"""Options on the command line: which there are, what they take, and how the help explains them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ddtrain.errors import UsageError
from ddtrain.optim import Optim, Sgd
from ddtrain.optim.schedules import Constant, Schedule
from ddtrain.parallel import hooks
from ddtrain.parts import register
from ddtrain.trainer import modes
from ddtrain.trainer.config import command_line, field_types, options, tables
from ddtrain.trainer.config.config import Config

OPTIONS = ("--optim.name", "--schedule.name", "--comm.hook", "--comm.mode")


@dataclass(frozen=True)
class MyOptim(Sgd):
    """An optimizer of somebody's own."""

    name: str = "mine"


@dataclass(frozen=True)
class MySchedule(Constant):
    """A schedule of somebody's own."""

    name: str = "mine"


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of somebody's own in each of the tables that say they may be added to."""
    monkeypatch.setattr(Optim, "parts", dict(Optim.parts))
    monkeypatch.setattr(Schedule, "parts", dict(Schedule.parts))
    register(MyOptim)
    register(MySchedule)
    monkeypatch.setitem(hooks.HOOKS, "mine", hooks.HOOKS["exact"])
    monkeypatch.setitem(modes.MODES, "mine", modes.MODES["sync"])


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("option", OPTIONS)
def test_what_is_in_a_table_is_an_option(option: str, tmp_path: Path) -> None:
    section, _, name = option.removeprefix("--").partition(".")
    file = tmp_path / "c.toml"
    file.write_text(f"[{section}]\n{name} = 'mine'")
    for argv in ([option, "mine"], [f"{option}=mine"], ["--config", str(file)]):
        parsed = command_line.parse(argv, {"a": (Config, "")}).config
        assert tables.lookup(parsed, f"{section}.{name}") == "mine"
    choices = field_types.choices_of(options._annotations(Config())[f"{section}.{name}"]) or ()
    assert f"{option} {{{','.join(choices)}}}" in options.explain(Config())
    assert "mine" in choices


@pytest.mark.parametrize("option", OPTIONS)
def test_what_is_in_no_table_is_none_with_the_nearest_that_is(option: str) -> None:
    with pytest.raises(UsageError, match=f"{option}: 'mine' is none of "):
        command_line.parse([option, "mine"], {"a": (Config, "")})
    with pytest.raises(UsageError, match=r"Did you mean adam\?"):
        command_line.parse(["--optim.name", "adm"], {"a": (Config, "")})


def test_the_choices_stand_in_the_help_in_the_place_of_a_type() -> None:
    lines = options.explain(Config()).splitlines()
    (at,) = (k for k, line in enumerate(lines) if f"--optim.name {{{','.join(Optim.parts)}}}" in line)
    assert lines[at + 1].strip() == "Update rule. (default: sgd)"
    assert lines[at + 1].index("Update") == lines[at + 2].index("Base learning rate")


def test_sections_of_ones_own_have_their_own_options() -> None:
    @dataclass(frozen=True)
    class Own(Sgd):
        rho: float = 0.5
        """Mine."""

    parsed = command_line.parse(["--optim.rho", "0.25"], {"a": (Config(optim=Own(lr=0.3)), "")}).config
    assert parsed.optim == Own(lr=0.3, rho=0.25)


def test_every_field_says_what_it_is() -> None:
    """The line of help of an option without a docstring would begin with its default."""
    for paragraph in options.explain(Config()).split("\n  --")[1:]:
        assert not re.split(r"\s{2,}", paragraph)[1].startswith("(default"), paragraph


def test_an_option_of_another_part_is_said_to_be_that_parts(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[optim]\nname = 'adam'\nmomentum = 0.5\n")
    for argv in (["--optim.name", "adam", "--optim.momentum", "0.5"], ["--config", str(tmp_path / "c.toml")]):
        with pytest.raises(UsageError, match=r"--optim\.momentum is no option of adam\n  It belongs to sgd, rmsprop, "):
            command_line.parse(argv, {"a": (Config(), "")})


def test_the_part_that_is_named_brings_its_own_defaults_and_help() -> None:
    recipe = {"a": (Config(optim=Sgd(lr=0.3, weight_decay=0.1)), "")}
    assert command_line.parse(["--optim.name", "adam"], recipe).config.optim == Optim(name="adam")
    assert command_line.parse(["--optim.name", "sgd"], recipe).config.optim == Sgd(lr=0.3, weight_decay=0.1)
    shown = command_line.parse(["--optim.name=adamw", "--help"], recipe).output
    assert "--optim.beta1" in shown
    assert "--optim.momentum" not in shown


def test_schedules_of_a_schedule_are_texts_on_the_command_line_and_in_files(tmp_path: Path) -> None:
    expected = Schedule(name="sequential", schedules=("linear(start=0.1)", "cosine"), milestones=(5,))
    told = ["--schedule.name", "sequential", "--schedule.schedules", "linear(start=0.1)", "cosine"]
    parsed = command_line.parse([*told, "--schedule.milestones", "5"], {"a": (Config, "")})
    assert parsed.config.schedule == expected
    (tmp_path / "run.toml").write_text(parsed.config.to_toml())
    assert command_line.parse(["--config", str(tmp_path / "run.toml")], {"a": (Config, "")}).config == parsed.config


def test_a_file_of_an_older_release_has_the_options_of_all_parts(tmp_path: Path) -> None:
    of_all = "lr = 0.3\nmomentum = 0.5\nnesterov = false\nweight_decay = 0.0\nbeta1 = 0.9\nbeta2 = 0.99\neps = 1e-8"
    (tmp_path / "old.toml").write_text(
        f"[optim]\nname = 'sgd'\n{of_all}\n[schedule]\nname = 'cosine'\nwarmup_steps = 3\n"
        "decay_every = 1000\nfactor = 0.5\nmin_lr = 0.0\npatience = 2\n"
    )
    config = command_line.parse(["--config", str(tmp_path / "old.toml")], {"a": (Config(), "")}).config
    assert config.optim == Sgd(lr=0.3, momentum=0.5)
    assert config.schedule == Schedule(name="cosine", warmup_steps=3)
