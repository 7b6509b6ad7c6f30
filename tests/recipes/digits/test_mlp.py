"""The smallest recipe: its data, normalised, the network that its section asks for, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.recipes.digits.mlp import DigitsMlp, Model, build
from ddtrain.trainer.config.config import Data, Run
from helpers import train


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_are_normalised_and_of_the_runs_type(dtype: Any) -> None:
    task = build(DigitsMlp(run=Run(dtype=dtype)))
    x, y = task.train.batch(np.arange(len(task.train)))
    assert (x.shape[1:], x.dtype) == ((64,), dtype)
    assert abs(x.mean()) < 0.02
    assert abs(x.std() - 1) < 0.02
    assert set(y) == set(range(10))
    assert task.valid is not None
    assert len(task.train) + len(task.valid) == 1797


def test_no_digit_is_in_both_sets() -> None:
    task = build(DigitsMlp())
    assert task.valid is not None
    seen, held_out = ({row.tobytes() for row in of.batch(np.arange(len(of)))[0]} for of in (task.train, task.valid))
    assert seen.isdisjoint(held_out)


def test_the_network_is_as_wide_as_the_section_says() -> None:
    shapes = {name: d.shape for name, d in build(DigitsMlp(model=Model(hidden=(7,)))).model.declarations().items()}
    assert shapes["layers.0.weight"] == (64, 7)
    assert [shape for name, shape in shapes.items() if name.endswith("weight")][-1] == (7, 10)


def test_it_learns_in_an_epoch() -> None:
    settings = replace(DigitsMlp(), model=Model(hidden=(32,), dropout=0.0))
    means = train(LocalCommunicator(), 23, settings, build(settings))["means"]
    assert means[0]["loss"] > 2.0
    assert np.mean([line["accuracy"] for line in means[-5:]]) > 0.8


def test_data_of_ones_own_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--data\.root is not read by this recipe"):
        build(DigitsMlp(data=Data(root="/data")))


@pytest.mark.parametrize(("norm", "layers"), [("before", 8), ("after", 8), ("none", 6)])
def test_activation_and_norm_are_the_sections(norm: Any, layers: int) -> None:
    model = build(DigitsMlp(model=Model(activation="gelu", norm=norm))).model
    kinds = [type(layer).__name__ for _, layer in model.layers.children()]
    assert len(kinds) == layers + 1
    assert kinds.count("GELU") == 2
    where = {"before": ["BatchNorm", "GELU"], "after": ["GELU", "BatchNorm"], "none": ["GELU", "Dropout"]}
    assert kinds[1:3] == where[norm]


def test_an_activation_that_makes_fewer_units_names_the_option() -> None:
    with pytest.raises(UsageError, match=r"^--model\.activation 'maxout' makes 2 units of 4"):
        build(DigitsMlp(model=Model(activation="maxout")))
