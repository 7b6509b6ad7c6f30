"""What the samples of each recipe look like in RUN/samples.json: pictures, texts, or numbers alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ddtrain.data import Subset
from ddtrain.param_store import ParamStore
from ddtrain.recipes import RECIPES
from ddtrain.trainer.evaluation.samples import worst_and_best
from ddtrain.trainer.task import build_task

LOOKS = {  # of the recipes that show something
    **{name: (8, 8) for name in RECIPES if name.startswith("digits") and name != "digits_to_words"},
    **{name: (28, 28) for name in RECIPES if name.startswith("fashion")},
    "shakespeare_char": 64,
    "shakespeare_gpt": 64,
}


def shown(name: str, **sections: Any) -> list[dict[str, Any]]:
    config = RECIPES[name].config.updated(sections)
    task = build_task(RECIPES[name].build, config)
    assert task.valid is not None
    task = replace(task, valid=Subset(task.valid, np.arange(6)))
    store = ParamStore({}, task.model.init(0), np.float32)
    found = worst_and_best(task, store, np.arange(6.0), 2)
    assert [each["index"] for each in found["worst"] + found["best"]] == [5, 4, 0, 1]
    samples: list[dict[str, Any]] = json.loads(json.dumps(found))["worst"]
    return samples


@pytest.mark.parametrize("name", LOOKS)
def test_each_recipe_shows_its_samples(name: str) -> None:
    look = LOOKS[name]
    for sample in shown(name):
        if isinstance(look, int):
            assert len(sample["text"]) == look
        else:
            picture = np.array(sample["picture"])
            assert (picture.shape, picture.min(), picture.max()) == (look, 0, 255)
        assert "label" in sample


def test_clothes_are_called_by_their_names() -> None:
    (first, _) = shown("fashion_lenet")
    assert {type(first["label"]), type(first["output"])} == {str}


def test_inputs_that_are_no_pictures_any_more_are_shown_as_numbers() -> None:
    (first, _) = shown("digits_softmax", data={"inputs": "whiten(components=5)"})
    assert len(first["text"].split(", ")) == 5
