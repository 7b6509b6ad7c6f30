"""Replicas that differ are named: the tensor, its values, and the minority of ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.errors import ReplicaError, UsageError
from ddtrain.parallel.replica_check import describe, verify_replicas


def test_equal_replicas_pass(world: Any) -> None:
    world.run(lambda comm: verify_replicas(describe({"w": np.ones(3)}), comm, "parameter"))


@pytest.mark.parametrize(
    "odd",
    [
        {"w": np.ones(3), "b": np.array([0.0, 1e-300])},
        {"w": np.ones(3), "b": np.zeros(2, np.float32)},
        {"w": np.ones(3), "b": np.zeros((1, 2))},
        {"b": np.zeros(2), "w": np.ones(3)},
        {"w": np.ones(3)},
    ],
    ids=["one bit", "dtype", "shape", "order", "missing"],
)
def test_the_odd_rank_is_named_on_every_rank(world: Any, odd: dict[str, Any]) -> None:
    if world.size < 3:
        pytest.skip("a minority needs three")

    def body(comm: Any) -> str:
        mine = odd if comm.rank == 1 else {"w": np.ones(3), "b": np.zeros(2)}
        with pytest.raises(UsageError, match="on rank 1") as caught:
            verify_replicas(describe(mine), comm, "parameter")
        return str(caught.value)

    assert len(set(world.run(body))) == 1


def test_the_error_is_the_callers_choice(world: Any) -> None:
    if world.size == 1:
        pytest.skip("one rank agrees with itself")

    def body(comm: Any) -> None:
        with pytest.raises(ReplicaError):
            verify_replicas({"x": str(comm.rank)}, comm, "value", ReplicaError)

    world.run(body)
