"""What a rank takes up of a saved state: all of its share, which is a span of every bucket."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm import Communicator
from ddtrain.trainer.config.config import Comm
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.setup import build_step
from helpers import make_task, sgd_config
from worlds import World


@pytest.mark.parametrize("spec", ["threads:2", "nodes:0011", "nodes:000111"])
@pytest.mark.parametrize("mode", ["sync", "local", "stale"])
def test_a_state_is_restored_whole(spec: str, mode: Any) -> None:
    def body(comm: Communicator) -> tuple[int, Any]:
        config = sgd_config(comm=Comm(mode=mode, bucket_bytes=64))
        mine = make_mode(build_step(comm, make_task(), config), config.comm)
        velocity = mine.train_step.optimizer.state["velocity"]
        mine.load_optimizer_state({"velocity": np.arange(velocity.size) + 1.0})
        comm.barrier()
        return len(mine.train_step.reducer.spans), velocity.copy()

    found = World(spec).run(body)
    assert spec == "threads:2" or max(spans for spans, _ in found) > 1
    for _, velocity in found:
        np.testing.assert_array_equal(velocity, np.arange(velocity.size) + 1.0)
