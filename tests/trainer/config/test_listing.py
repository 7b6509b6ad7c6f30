"""``--list``: every kind, every part of it, and what is said of a kind that there is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddtrain import nn
from ddtrain.errors import UsageError
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.listing import KINDS, PARTS

RECIPES = {"mlp": (Config, "A perceptron."), "cnn": (Config, "A network.")}


@pytest.mark.parametrize("kind", PARTS)
def test_every_part_has_a_line(kind: str) -> None:
    lines = command_line.parse(["--list", kind], RECIPES).output.splitlines()
    assert [line.split()[0] for line in lines] == list(PARTS[kind].parts)
    assert all(len(line.split()) > 2 for line in lines), "a name, and what it is"


def test_every_activation_that_a_run_may_name_has_a_line() -> None:
    lines = command_line.parse(["--list", "activation"], RECIPES).output.splitlines()
    assert [line.split()[0] for line in lines] == list(nn.ACTIVATIONS)
    assert all(len(line.split()) > 2 for line in lines)


def test_the_reference_and_the_help_name_every_kind() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/command-line.md").read_text()
    begins = page.index("`--list optim`")
    said = page[begins : page.index("\n\n", begins)]
    explained = command_line.parse(["--help"], RECIPES).output
    assert [kind for kind in KINDS if f"`{kind}`" not in said and f"`--list {kind}`" not in said] == []
    assert ", ".join(KINDS) in " ".join(explained.split())


def test_layers_and_recipes_have_lines_too() -> None:
    assert command_line.parse(["--list=recipe"], RECIPES).output == "mlp  A perceptron.\ncnn  A network."
    assert "\nLinear " in command_line.parse(["--list", "layer"], RECIPES).output


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--list", "optm"], r"--list 'optm': there is no such kind\n  Did you mean optim\?"),
        (["--list"], "expected one argument"),
    ],
)
def test_a_kind_that_there_is_not(argv: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        command_line.parse(argv, RECIPES)
