"""Shards that follow each other on a rank share a plan's functions, and their memory; others have their own.

What would make these fail: two shards that take turns in one arena, a shard whose program is another, memory that grows
with the number of shards, shards counted as shapes of batches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from equivalence.test_plans import run

from ddtrain import ops
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.nn import Module
from ddtrain.trainer.config.config import Plan, Run
from ddtrain.trainer.step.passes import ShardPasses
from helpers import Net, Plain, make_task

SHARDS = 9  # more than a run has kinds of batches


class Placed(Plain):
    """What it gives depends on the shard, though nothing is exchanged."""

    def forward(self, x: Any) -> Any:
        shard = getattr(ops.communicator(), "rank", 0)
        return super().forward(x) * np.float32(1 + shard / 8)


def functions(passes: ShardPasses) -> list[list[int]]:
    """For each kind of batch, how many shards have which functions."""
    plans = passes._plans.values()
    kinds = {plan.kind for plan in plans}
    ids = [[id(plan.first) for plan in plans if plan.kind == kind] for kind in kinds]
    return [sorted(found.count(each) for each in set(found)) for found in ids]


@pytest.mark.parametrize("late", [False, True], ids=["C at once", "C later"])
@pytest.mark.parametrize("backend", ["c", "python"])
@pytest.mark.parametrize(
    ("make", "shared"),
    [(Plain, True), (Net, False), (Placed, False)],
    ids=["nothing exchanged", "statistics of all", "which shard it is"],
)
def test_who_shares(make: Any, shared: bool, backend: Any, late: bool) -> None:
    model: Module = make()
    task, found = make_task(model, dtype=np.float32, samples=24), {}
    sections: Any = {"run": Run(dtype="float32", epochs=1000, shards=SHARDS), "batch_size": 12}
    compile_after = 2 if late else 0
    for plan in (Plan(enabled=False), Plan(backend=backend, compile_after=compile_after, verify_steps=1)):
        found[plan.enabled], passes = run(LocalCommunicator(), task, plan, steps=12, **sections)
    assert {key for key, x in found[False].items() if found[True][key].tobytes() != x.tobytes()} == set()
    assert passes.refused == ""
    made = functions(passes)
    assert all(sum(counts) <= SHARDS for counts in made)
    assert all(len(counts) == (1 if shared else sum(counts)) for counts in made)
    assert all((plan.native is not None) == (backend == "c") for plan in passes._plans.values())
