"""Making C of a plan holds all that was recorded at once: where there is no memory for it, Python repeats the plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from equivalence.test_plans import run

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.trainer.config.config import Plan
from ddtrain.trainer.step.passes import shard_passes
from helpers import Plain, make_task
from worlds import World

PLAN = Plan(compile_after=0, verify_steps=1)


def needed(passes: Any) -> int:
    return max(int(1.5 * program.nbytes) for program in passes.programs())


@pytest.mark.parametrize("missing", [0, 1])
def test_c_is_made_where_there_is_room(missing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task(Plain(), dtype=np.float32)
    expected, passes = run(LocalCommunicator(), task, PLAN)
    assert passes.in_python == ""
    available = needed(passes) - missing
    monkeypatch.setattr(shard_passes, "available_memory", lambda: available)
    found, passes = run(LocalCommunicator(), task, PLAN)
    assert bool(passes.in_python) == bool(missing)
    assert passes.refused == ""
    assert {name for name, x in found.items() if x.tobytes() != expected[name].tobytes()} == set()


def test_ranks_of_a_machine_make_it_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    task, sections = make_task(Plain(), dtype=np.float32, samples=24), {"batch_size": 12}
    (_, passes), *_ = World("nodes:000").run(lambda comm: run(comm, task, PLAN, **sections))
    available = 3 * needed(passes) - 1
    monkeypatch.setattr(shard_passes, "available_memory", lambda: available)
    for _, passes in World("nodes:000").run(lambda comm: run(comm, task, PLAN, **sections)):
        assert passes.in_python == "making it takes about 0 MB in each of 3 ranks, and this machine has 0 MB free"


def test_where_nobody_knows_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_passes, "available_memory", lambda: None)
    assert run(LocalCommunicator(), make_task(Plain(), dtype=np.float32), PLAN)[1].in_python == ""
