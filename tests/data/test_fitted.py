"""What a run fits when it begins: all that asks for it, over its ranks, and nothing that came fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.data import ArrayData, PreparedInputs, Standardize, fit_over_ranks
from ddtrain.data.inputs import Inputs
from worlds import World

X = np.random.default_rng(0).standard_normal((7, 3)) + np.arange(3)


def test_what_came_fitted_stays_as_it_is() -> None:
    standardize = Standardize(np.full(3, 5.0), np.ones(3))
    fit_over_ranks({"inputs": standardize}, None)
    np.testing.assert_array_equal(standardize.mean, 5.0)


def test_all_ranks_take_part(world: World) -> None:
    asked: list[Any] = []

    class Counting(ArrayData):
        def batch(self, indices: Any) -> tuple[Any, ...]:
            asked.append(len(indices))
            return super().batch(indices)

    def body(comm: Any) -> Any:
        prepared = PreparedInputs(Inputs(name="standardize"), Counting(X), np.float64)
        fit_over_ranks({"inputs": prepared}, comm)
        return prepared(X)

    for y in world.run(body):
        np.testing.assert_allclose(y.mean(0), 0, atol=1e-15)
    assert sum(asked) == len(X), "one pass over the data, all ranks together"
