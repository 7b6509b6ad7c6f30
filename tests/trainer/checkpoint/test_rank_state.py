"""What ranks remember goes on with other ranks: sums stay sums, and means are of those that hold an element."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm import Communicator
from ddtrain.trainer.checkpoint import rank_state
from ddtrain.trainer.config.config import Comm
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.setup import build_step
from helpers import Plain, make_task, sgd_config
from worlds import World


def diloco(comm: Communicator, bucket_bytes: int = 64) -> Any:
    config = sgd_config(comm=Comm(mode="diloco", sync_every=4, bucket_bytes=bucket_bytes))
    return make_mode(build_step(comm, make_task(Plain()), config), config.comm)


@pytest.mark.parametrize("before", ["threads:3", "nodes:0011", "nodes:00112"])
@pytest.mark.parametrize("after", ["local", "threads:2", "nodes:0011", "nodes:000111"])
def test_what_nodes_held_is_taken_up_as_the_mean_over_nodes(before: str, after: str) -> None:
    """Node k remembers k + 1 everywhere, each of its ranks a share of that: the mean knows nothing of ranks."""

    def save(comm: Communicator) -> tuple[int, Any]:
        mode = diloco(comm)
        mode.velocity[...] = mode.train_step.node.index + 1.0
        return len(mode.train_step.node.sizes), rank_state.gather(mode)

    (count, saved), *_ = World(before).run(save)

    def load(comm: Communicator) -> Any:
        mode = diloco(comm, bucket_bytes=1 << 20)  # so that spans are others, too, where ranks are as many as before
        said = rank_state.restore(mode, saved, same=True)
        assert "is taken up as the mean of their nodes" in said
        return mode.velocity.copy()

    for velocity in World(after).run(load):
        np.testing.assert_array_equal(velocity, np.mean(range(1, count + 1)))
