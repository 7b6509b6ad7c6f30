"""Every average of weights in a run: N ranks are one rank, shards give the same bits, resumed is never stopped.

A net with batch-norm and dropout, because an average may compute running statistics anew. Evaluated is the average.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from part_runs import check

from ddtrain.optim.averages import Average
from helpers import Net, make_task

OPTIONS: dict[str, dict[str, Any]] = {
    "ema": {"decay": 0.8, "evaluate": True},
    "swa": {"start": 2.0, "every": 2, "evaluate": True},  # begins before the stop, and skips updates after it
}


def found(name: str) -> dict[str, Any]:
    return check(make_task(Net()), average=Average(name=name, **OPTIONS.get(name, {})))


@pytest.mark.parametrize("name", Average.parts)
def test_n_ranks_are_one_rank(name: str) -> None:
    numbers = found(name)
    weights, average = numbers["first.weight"], numbers["averaged first.weight"].T
    assert np.array_equal(weights, average) == (name == "none")


def test_an_average_does_not_touch_the_weights() -> None:
    plain, averaged = found("none"), found("swa")
    assert np.array_equal(plain["first.weight"], averaged["first.weight"])
