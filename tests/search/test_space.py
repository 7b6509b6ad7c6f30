"""Spaces: what files may say, and one clear line about what they may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from searches import LineConfig

from ddtrain.errors import UsageError
from ddtrain.search.ranges import Choices, Range
from ddtrain.search.space import Space, allows, applied, make_space, read_space
from ddtrain.trainer.config.config import Config

TEXT = """
[optim]
lr = { log_uniform = [1e-4, 1] }
momentum = { uniform = [0, 0.9] }
[model]
hidden = { uniform = [2, 8] }
[data]
batch-size = { choices = [8, 16] }
"""


def test_a_file_with_everything(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text(TEXT)
    space = read_space(str(path), LineConfig())
    assert space.dimensions == (
        Range("optim.lr", 1e-4, 1.0, log=True),
        Range("optim.momentum", 0.0, 0.9),
        Range("model.hidden", 2, 8, whole=True),
        Choices("data.batch_size", (8, 16)),
    )
    (tmp_path / "again.toml").write_text(space.to_toml())
    assert read_space(str(tmp_path / "again.toml"), LineConfig()) == space


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "space: there is nothing to search: Give optim.lr ="),
        ({"optim": {"lrr": {"uniform": [0, 1]}}}, "space: unknown option 'optim.lrr': Did you mean optim.lr?"),
        ({"optm.lr": {"uniform": [0, 1]}}, "space: unknown option 'optm.lr': Did you mean optim.lr?"),
        ({"optim": 3}, "space: optim is a section, not an option: Write [optim]."),
        ({"optim.lr": 3}, "space: optim.lr is 3, not a range: Give one of log_uniform, uniform, choices."),
        ({"optim.lr": {"unifrom": [0, 1]}}, "space: optim.lr has an unknown key 'unifrom': Did you mean uniform?"),
        ({"optim.lr": {"uniform": [0, 1], "choices": [1]}}, "space: optim.lr has uniform and choices: Give one of"),
        ({"optim.lr": {"uniform": [1, 0.1]}}, "space: optim.lr: the range from 1 to 0.1 is empty: Give the lower end"),
        ({"optim.lr": {"uniform": [1, 1]}}, "space: optim.lr: the range from 1 to 1 is empty: Give the lower end"),
        (
            {"optim.lr": {"uniform": [0.1, float("nan")]}},
            "uniform is [0.1, nan], not two finite numbers: Give",
        ),
        (
            {"optim.lr": {"uniform": [0.1, float("inf")]}},
            "uniform is [0.1, inf], not two finite numbers: Give",
        ),
        ({"optim.lr": {"uniform": ["a", 1]}}, "uniform is ['a', 1], not two finite numbers: Give uniform ="),
        ({"optim.lr": {"uniform": [1]}}, "uniform is [1], not two finite numbers: Give uniform = [low, high]."),
        ({"optim.lr": {"log_uniform": [0, 1]}}, "optim.lr: the logarithm of 0 is not finite: Give a lower"),
        ({"optim.lr": {"choices": []}}, "space: optim.lr: choices is [], an empty range: Give a list"),
        (
            {"optim.lr": {"choices": [0.1, 0.1]}},
            "optim.lr: choices [0.1, 0.1] has a value twice: Give each once.",
        ),
        ({"optim.lr": {"choices": [0.1, "much"]}}, "space: optim.lr: expected a number, found 'much'"),
        (
            {"optim.momentum": {"uniform": [0, 1.5]}},
            "--optim.momentum 1.5 is out of range: Give at least 0",
        ),
        ({"model.hidden": {"uniform": [2.5, 8]}}, "space: model.hidden: [2.5, 8] are not integers"),
        (
            {"optim.nesterov": {"uniform": [0, 1]}},
            "optim.nesterov is False, not a number: Give choices = [false",
        ),
        ({"optim.name": {"uniform": [0, 1]}}, "space: optim.name is 'sgd', not a number: Give choices = ['sgd', ...]."),
        ({"optim.name": {"choices": ["sgd", "adm"]}}, "space: optim.name: 'adm' is none of sgd"),
        (
            {"run.seed": {"choices": [0, 1]}},
            "space: run.seed is not searched: trials that are compared",
        ),
        ({"eval.every": {"choices": [0, 1]}}, "space: eval.every is not searched: trials"),
    ],
)
def test_what_a_space_may_not_say_is_one_line(table: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_space(table, LineConfig())
    assert said in raised.value.one_line
    assert "\n" not in raised.value.one_line


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[optim\n")
    for name, said in (("none.toml", "No such file"), ("bad.toml", "is not valid TOML")):
        with pytest.raises(UsageError, match=said) as raised:
            read_space(str(tmp_path / name), LineConfig())
        assert name in raised.value.message


def test_options_of_some_parts_count_where_they_are() -> None:
    table = {
        "optim.beta1": {"uniform": [0.5, 0.9]},
        "optim.momentum": {"uniform": [0.1, 0.2]},
        "optim.name": {"choices": ["sgd", "adam"]},
    }
    space = make_space(table, Config())
    values = {"optim.beta1": 0.7, "optim.momentum": 0.15}
    adam, sgd = (applied(Config(), {**values, "optim.name": name}).to_table()["optim"] for name in ("adam", "sgd"))
    assert (adam["name"], adam["beta1"], "momentum" in adam) == ("adam", 0.7, False)
    assert (sgd["name"], sgd["momentum"], "beta1" in sgd) == ("sgd", 0.15, False)
    assert len(space.dimensions) == 3
    del table["optim.name"]
    with pytest.raises(UsageError, match=r"unknown option 'optim.beta1'"):
        make_space(table, Config())


def test_an_option_is_drawn_alike_whatever_else_is_searched() -> None:
    lr, hidden = Range("optim.lr", 1e-4, 1.0, log=True), Choices("model.hidden", (2, 4, 8))
    alone, both, turned = Space((lr,)), Space((lr, hidden)), Space((hidden, lr))
    for trial in range(20):
        drawn = {space.draw(3, trial)["optim.lr"] for space in (alone, both, turned)}
        assert len(drawn) == 1
    assert alone.draw(3, 0) != alone.draw(4, 0)
    assert alone.draw(3, 0) != alone.draw(3, 1)


def test_a_grid_is_all_combinations() -> None:
    space = Space((Range("optim.lr", 0.01, 1.0, log=True), Choices("model.hidden", (2, 4))))
    assert [tuple(values.values()) for values in space.grid(3)] == [
        (0.01, 2), (0.01, 4), (0.1, 2), (0.1, 4), (1.0, 2), (1.0, 4)
    ]  # fmt: skip


def test_what_an_option_allows() -> None:
    allowed = allows(Config(), ranks=4)
    assert allowed("optim.momentum", 0.5)
    assert not allowed("optim.momentum", 1.0)
    assert not allowed("data.batch_size", 3), "fewer samples than ranks"
