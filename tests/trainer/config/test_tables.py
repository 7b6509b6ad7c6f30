"""Values from scripts, files and command lines: what stands for a type is taken, and what does not is said briefly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ddtrain.errors import UsageError, quoted
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Config, Data, Debug, Optim, Run

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


def test_numpys_numbers_and_paths_are_what_they_hold() -> None:
    given = Mine(
        run=Run(dir=Path("a/b"), epochs=np.int64(3)),  # type: ignore[arg-type]
        debug=Debug(nans=np.bool_(True)),  # type: ignore[arg-type]
        data=Data(batch_size=np.uint8(7)),  # type: ignore[arg-type]
        optim=Optim(name=np.str_("adam"), lr=np.float32(0.5), weight_decay=0),  # type: ignore[arg-type]
        model=Widths(hidden=np.array([3, 4])),  # type: ignore[arg-type]
    )
    plain = Mine(
        run=Run(dir="a/b", epochs=3),
        debug=Debug(nans=True),
        data=Data(batch_size=7),
        optim=Optim(name="adam", lr=0.5, weight_decay=0.0),
        model=Widths(hidden=(3, 4)),
    )
    parsed = command_line.parse([], {"mine": (given, "")}).config
    assert parsed == plain
    assert repr(parsed) == repr(plain), "of the same types: ranks compare how they print"
    assert parsed.to_toml() == plain.to_toml()


def test_a_configuration_of_wrong_types_is_refused_before_anything_starts() -> None:
    with pytest.raises(UsageError, match=r"run.epochs: expected an integer, found 2.5"):
        command_line.parse([], {"mine": (Config(run=Run(epochs=2.5)), "")})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "argv",
    [
        [f"--{LONG}", "1"],
        [LONG],
        ["--optim.lr", LONG],
        ["--run.epochs", LONG],
        ["--run.epochs", "9" * 5000],
        ["--optim.name", LONG],
        ["--run.dtype", LONG],
        ["--model.hidden", "1", LONG],
        ["--config", LONG],
        ["--config", "a\0b"],
        ["--run.dir", "a\0b"],
    ],
)
def test_what_is_wrong_with_an_option_is_one_short_line(argv: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        command_line.parse(argv, {"a": (Mine, "")})
    assert len(caught.value.one_line) < 400


def test_quoting_leaves_out_the_middle() -> None:
    assert quoted(3) == "3"
    assert quoted(["a"] * 1000).endswith("'a', ...]")
    assert quoted(f"a{LONG}b", plain=True)[:3] == "axx"
    assert quoted(f"a{LONG}b")[-2:] == "b'"
    assert quoted(1 << 100_000) == "an integer of 100001 bits"
