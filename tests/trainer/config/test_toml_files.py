"""Configurations as TOML: there and back, and one short line for what is wrong with a file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from ddtrain.errors import UsageError
from ddtrain.trainer.config import command_line, toml_files
from ddtrain.trainer.config.config import Config, Run

LONG = "x" * 15_000


@dataclass(frozen=True)
class Widths:
    """A network."""

    hidden: tuple[int, ...] = (2,)
    """Widths."""


@dataclass(frozen=True)
class Mine(Config):
    """With a network."""

    model: Widths = Widths()


def test_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbf[run]\r\nepochs = 4\r\n")
    assert toml_files.read_toml(str(tmp_path / "c.toml")) == {"run": {"epochs": 4}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x=" + "[" * 100_000, "is not valid TOML: it is nested too deeply"),
        ("optim=" + "{a=" * 3000 + "1" + "}" * 3000, "is not valid TOML: it is nested too deeply"),
        ("[run]\nepochs=" + "[" * 200 + "]" * 200, "run.epochs: expected an integer, found [[[[[...]]]]]"),
        (f"{LONG}=1", "unknown key 'xxx"),
        (f"[run]\n{LONG}=1", "unknown key 'run.xxx"),
        (f"[run]\nepochs='{LONG}'", "expected an integer, found 'xxx"),
        (f"[optim]\nname='{LONG}'", "xxx' is none of sgd"),
        (f"[model]\nhidden=[1, '{LONG}']", "model.hidden[1]: expected an integer"),
        (f"recipe='{LONG}'", "unknown recipe 'xxx"),
        ("[run]\nepochs=" + "9" * 5000, "is not valid TOML"),
        ("[run]\nepochs=0x" + "f" * 9000, "an integer of at most 128 bits, found one of 36000"),
        ('"\\u001b[31m"=1', "unknown key '\\x1b[31m'"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_short_line(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        command_line.parse(["--config", str(file)], {"a": (Mine, "")})
    line = caught.value.one_line
    assert said in line
    assert line.startswith(f"--config {file}")
    assert len(line) < 400 + len(str(file))
    assert line.isprintable()


@dataclass(frozen=True)
class Head:
    scale: float = 1.0
    names: tuple[str, ...] = ("a", "b")


@dataclass(frozen=True)
class Model:
    widths: tuple[int, ...] = (16, 32)
    kernel: tuple[int, int] = (3, 3)
    head: Head = Head()


@dataclass(frozen=True)
class Recipe(Config):
    run: Run = Run(epochs=3)
    model: Model = Model()


def test_toml_names_the_recipe_first():
    table = tomllib.loads(Recipe().to_toml("mlp"))
    assert table.pop("recipe") == "mlp"
    assert table == Recipe().to_table()


def test_non_finite_numbers_are_toml_too():
    table = tomllib.loads(toml_files.to_toml({"a": float("inf"), "b": -float("inf"), "c": float("nan")}))
    assert (table["a"], table["b"]) == (float("inf"), -float("inf"))
    assert table["c"] != table["c"]
