"""Options on the command line: which there are, what they take, and how the help explains them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ddtrain import optim
from ddtrain.errors import UsageError
from ddtrain.optim import schedules
from ddtrain.parallel import hooks
from ddtrain.trainer import modes
from ddtrain.trainer.config import command_line, options, tables
from ddtrain.trainer.config.config import Config, Optim

OPTIONS = ("--optim.name", "--schedule.name", "--comm.hook", "--comm.mode")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of somebody's own in each of the tables that say they may be added to."""
    monkeypatch.setitem(optim.OPTIMIZERS, "mine", optim.OPTIMIZERS["sgd"])
    monkeypatch.setitem(schedules.SCHEDULES, "mine", schedules.SCHEDULES["constant"])
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
    assert f"{option} {{{','.join(tables.choices_of(options._annotations(Config())[f'{section}.{name}']) or ())}}}" in (
        options.explain(Config())
    )


@pytest.mark.parametrize("option", OPTIONS)
def test_what_is_in_no_table_is_none_with_the_nearest_that_is(option: str) -> None:
    with pytest.raises(UsageError, match=f"{option}: 'mine' is none of "):
        command_line.parse([option, "mine"], {"a": (Config, "")})
    with pytest.raises(UsageError, match=r"Did you mean adam\?"):
        command_line.parse(["--optim.name", "adm"], {"a": (Config, "")})


def test_the_choices_stand_in_the_help_in_the_place_of_a_type() -> None:
    lines = options.explain(Config()).splitlines()
    (at,) = (k for k, line in enumerate(lines) if "--optim.name {sgd,adam,adamw}" in line)
    assert lines[at + 1].strip() == "Update rule. (default: sgd)"
    assert lines[at + 1].index("Update") == lines[at + 2].index("Base learning rate")


def test_sections_of_ones_own_have_their_own_options() -> None:
    @dataclass(frozen=True)
    class Own(Optim):
        rho: float = 0.5
        """Mine."""

    parsed = command_line.parse(["--optim.rho", "0.25"], {"a": (Config(optim=Own(lr=0.3)), "")}).config
    assert parsed.optim == Own(lr=0.3, rho=0.25)


def test_every_field_says_what_it_is() -> None:
    """The line of help of an option without a docstring would begin with its default."""
    for paragraph in options.explain(Config()).split("\n  --")[1:]:
        assert not re.split(r"\s{2,}", paragraph)[1].startswith("(default"), paragraph
