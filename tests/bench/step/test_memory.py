"""Peak memory: what a step holds counts, whoever allocates it and however long it is kept; no test asserts a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from ddtrain.bench.peers import registry
from ddtrain.bench.step import memory
from ddtrain.bench.workloads import WORKLOADS

MB = 1_000_000
pytestmark = pytest.mark.skipif(not memory._CLEAR.exists(), reason="the system keeps no record of the peak")


def filled(nbytes: int) -> Any:
    return np.ones(nbytes, np.uint8)


class Kept:
    """Holds what it needs from the start."""

    def __init__(self, nbytes: int) -> None:
        self.held = filled(nbytes)

    def __call__(self) -> Mapping[str, float]:
        return {}


class Freed(Kept):
    """Allocates it in every step, and frees it."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes

    def __call__(self) -> Mapping[str, float]:
        filled(self.nbytes)
        return {}


class First(Freed):
    """Allocates it in the first step alone, and frees it."""

    def __call__(self) -> Mapping[str, float]:
        filled(self.nbytes)
        self.nbytes = 0
        return {}


@pytest.mark.parametrize(("kind", "later"), [(Kept, 64), (Freed, 64), (First, 0)])
def test_what_a_step_holds_counts(monkeypatch: pytest.MonkeyPatch, kind: Callable[[int], Any], later: int) -> None:
    workload = WORKLOADS["tiny_mlp"]
    data_mb = sum(x.nbytes for x in workload.arrays(1)) / MB

    @contextmanager
    def training(trainer: str, name: str, asked: Any) -> Iterator[Any]:
        yield kind(64 * MB if asked.batch == workload.batch else 0)

    monkeypatch.setattr(memory, "_training", training)
    found = memory.peaks("fake", "tiny_mlp", workload)
    assert found["first_steps"] + data_mb == pytest.approx(64, abs=4)  # the data set was not made, but is taken off
    assert found["step"] + data_mb == pytest.approx(later, abs=4)


def test_each_trainer_is_measured_in_a_process_of_its_own() -> None:
    found = memory.measure("mlp", ["numpy", "jax"])
    assert set(found) == {memory.OURS, "numpy"}, "jax compiles in its first step"
    parameters_mb = 3 * 4 * 669_706 / MB  # with gradients and momentum
    assert all(row["step"] > parameters_mb for row in found.values())


def test_who_cannot_train_a_workload_has_no_figure() -> None:
    with pytest.raises(registry.CannotRun):
        memory.peaks("numpy", "lenet", WORKLOADS["lenet"])
    assert memory.main("numpy", "lenet") == 1
