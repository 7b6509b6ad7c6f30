"""Options that are not the usual ones, and those in which runs differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ddtrain.runs import Run
from ddtrain.runs.differences import Change, changes, differing
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.main import Recipe
from helpers import make_task


@dataclass(frozen=True)
class Body:
    """A section that only the recipe has."""

    width: int = 3
    """Columns."""


@dataclass(frozen=True)
class Mine(Config):
    """A recipe's configuration."""

    model: Body = Body()


RECIPES = {"mine": Recipe(Mine().updated({"run": {"epochs": 4}}), lambda config: make_task(), "")}


def run_of(path: Path, config: Config, recipe: str = "mine") -> Run:
    path.mkdir(exist_ok=True)
    (path / "config.toml").write_text(config.to_toml(recipe))
    return Run(path)


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ({}, {}),
        ({"run": {"epochs": 10}}, {"run.epochs": Change(10, 4)}),
        ({"model": {"width": 7}}, {"model.width": Change(7, 3)}),
        ({"run": {"dir": "somewhere", "resume": "auto"}}, {}),
        ({"optim": {"name": "adam"}}, {"optim.name": Change("adam", "sgd")}),
        (
            {"optim": {"name": "adam", "beta1": 0.5}},
            {"optim.name": Change("adam", "sgd"), "optim.beta1": Change(0.5, 0.9)},
        ),
    ],
)
def test_options_are_compared_with_those_of_the_recipe(
    table: dict[str, Any], found: dict[str, Change], tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", RECIPES["mine"].config.updated(table))
    assert changes(run, RECIPES) == found


def test_without_the_recipe_ddtrains_own_defaults_count(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", RECIPES["mine"].config.updated({"optim": {"lr": 0.5}}))
    lr = Config().optim.lr
    assert changes(run, {}) == {
        "run.epochs": Change(4, 10),
        "optim.lr": Change(0.5, lr),
        "model.width": Change(3, None),
    }


def test_a_part_that_is_not_loaded_here_is_shown_as_it_is(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", RECIPES["mine"].config)
    text = (run.path / "config.toml").read_text().replace('name = "sgd"', 'name = "theirs"\ntwist = 2')
    (run.path / "config.toml").write_text(text)
    found = changes(Run(run.path), RECIPES)
    assert found["optim.name"].value == "theirs"
    assert found["optim.twist"] == Change(2, None)


def test_runs_differ_where_any_differs(tmp_path: Path) -> None:
    config = RECIPES["mine"].config
    tables: list[dict[str, Any]] = [{}, {"optim": {"lr": 0.5}}, {"model": {"width": 9}}, {"run": {"dir": "x"}}]
    runs = [run_of(tmp_path / str(n), config.updated(table)) for n, table in enumerate(tables)]
    lr = config.optim.lr
    assert differing(runs) == {"optim.lr": [lr, 0.5, lr, lr], "model.width": [3, 3, 9, 3]}
    assert differing([runs[0], runs[3]]) == {}
    other = run_of(tmp_path / "adam", config.updated({"optim": {"name": "adam"}}))
    assert differing([runs[0], other])["optim.beta1"] == [None, 0.9]
