"""Turns and quartiles, on a clock that the test turns itself."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.bench.timing import BLOCK, alternate, quartiles


@pytest.mark.parametrize("repeats", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_contestants_take_turns_and_are_measured_equally_often(repeats: int) -> None:
    calls: list[str] = []

    def contestant(name: str) -> dict[str, float]:
        calls.append(name)
        return {name: float(len(calls)), f"{name}_part": 0.0}

    barriers: list[int] = []
    found = alternate(
        [lambda: contestant("a"), lambda: contestant("b")], repeats, barrier=lambda: barriers.append(len(calls))
    )
    assert {name: len(x) for name, x in found.items()} == dict.fromkeys(("a", "a_part", "b", "b_part"), repeats)
    turns = -(-repeats // BLOCK)
    assert len(calls) == 2 * (repeats + turns), "one step a turn does not count"
    assert len(barriers) == 2 * turns
    assert not np.isin([start + 1 for start in barriers], np.concatenate(list(found.values()))).any(), "the first one"
    assert max(abs(found["a"] - found["b"])) <= BLOCK + 1, "pairs are close to each other"


def test_quartiles_forget_an_outlier() -> None:
    assert quartiles(np.array([2.0, 2.0, 2.0, 2.0, 1e9])) == {"median": 2.0, "q1": 2.0, "q3": 2.0}
    assert quartiles(np.array([-1e-6]), unit=1e-6, digits=1) == {"median": -1.0, "q1": -1.0, "q3": -1.0}
