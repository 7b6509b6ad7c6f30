"""``--list``: every kind, every part of it, and what is said of a kind that there is not."""

from __future__ import annotations

import pytest

from ddtrain.errors import UsageError
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.listing import PARTS

RECIPES = {"mlp": (Config, "A perceptron."), "cnn": (Config, "A network.")}


@pytest.mark.parametrize("kind", PARTS)
def test_every_part_has_a_line(kind: str) -> None:
    lines = command_line.parse(["--list", kind], RECIPES).output.splitlines()
    assert [line.split()[0] for line in lines] == list(PARTS[kind].parts)
    assert all(len(line.split()) > 2 for line in lines), "a name, and what it is"


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
