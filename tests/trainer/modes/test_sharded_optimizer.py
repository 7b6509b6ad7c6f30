"""The sharded optimizer: the bits of one that is everywhere, with a share of its memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mode_runs import farthest, take_steps

from ddtrain.comm import Communicator
from ddtrain.trainer.config.config import Clip, Comm, Optim
from ddtrain.trainer.step.setup import build_step
from helpers import Net, make_task, sgd_config
from worlds import World


@pytest.mark.parametrize("spec", ["threads:4", "threads:5"])
def test_a_divided_optimizer_of_many_nodes_sums_along_the_tree(spec: str) -> None:
    """At three nodes or fewer the tree is the order of the ranks, and nothing tells one from the other."""
    runs = [
        World(spec).run(lambda comm, on=on: take_steps(comm, sgd_config(comm=Comm(sharded_optimizer=on)), steps=4))
        for on in (False, True)
    ]
    for everywhere, divided in zip(*runs, strict=True):
        assert farthest(everywhere, divided) == 0.0


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("bucket_bytes", [64, 1 << 20])
def test_a_divided_optimizer_gives_the_bits_of_one_that_is_everywhere(
    world: Any, optimizer: Any, bucket_bytes: int
) -> None:
    base = sgd_config(optim=Optim(name=optimizer, lr=0.05, weight_decay=1e-2), clip=Clip(norm=0.5, value=0.05))
    runs = [
        world.run(
            lambda comm, on=on: take_steps(
                comm, replace(base, comm=Comm(sharded_optimizer=on, bucket_bytes=bucket_bytes)), Net
            )
        )
        for on in (False, True)
    ]
    for everywhere, divided in zip(*runs, strict=True):
        assert farthest(everywhere, divided) == 0.0


def test_a_divided_optimizer_takes_a_share_of_the_memory() -> None:
    def body(comm: Communicator) -> tuple[int, int]:
        train_step = build_step(comm, make_task(Net()), sgd_config(comm=Comm(sharded_optimizer=True)))
        return train_step.optimizer.state["velocity"].size, train_step.store.values.size

    shares = World("threads:3").run(body)
    n = shares[0][1]
    assert sum(share for share, _ in shares) == n
    assert max(share for share, _ in shares) < 0.6 * n
