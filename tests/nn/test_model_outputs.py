"""What a model returns to code outside of it: each call from there once, with the structure, and none from within."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import ShapeError
from ddtrain.nn.model_outputs import ModelOutputs


class Pair(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        return {"b": self.inner(x), "a": (3, None, x.astype(np.float32))}


def bound() -> Pair:
    model = Pair()
    return model.bind(model.init(0, np.float64))


def test_calls_from_outside_are_recorded_and_given_again() -> None:
    model, outputs, x = bound(), ModelOutputs(), np.ones((1, 2))
    expected = [model(x), model.inner(2 * x)]
    model.run.calls = outputs.record
    model(x), model.inner(2 * x)
    arrays = [expected[0]["a"][2], expected[0]["b"], expected[1]]  # keys in sorted order, as leaves are
    for found, array in zip(outputs.arrays, arrays, strict=True):
        np.testing.assert_array_equal(found, array)
    model.run.calls = outputs.replay([np.array([7.0]), np.array([8.0]), np.array([9.0])])
    assert model("not looked at") == {"b": np.array([8.0]), "a": (3, None, np.array([7.0]))}
    assert model.inner("neither") == np.array([9.0])


def test_an_error_in_a_call_leaves_the_next_ones_recorded() -> None:
    model, outputs = bound(), ModelOutputs()
    model.run.calls = outputs.record
    with pytest.raises(ShapeError):
        model.inner(np.ones((1, 5)))
    model.inner(np.ones((1, 2)))
    assert len(outputs.arrays) == 1
