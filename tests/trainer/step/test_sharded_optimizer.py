"""The sharded optimizer: the bits of one that is everywhere, with a share of its memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mode_runs import farthest, take_steps

from ddtrain import optim
from ddtrain.comm import Communicator
from ddtrain.trainer.config.config import Clip, Comm, Optim
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.step.sharded_optimizer import ShardedOptimizer, pack, unpack
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


SPANS = [slice(1, 3), slice(5, 5), slice(6, 9)]


def test_spans_are_put_together_and_back() -> None:
    vector, packed, back = np.arange(10.0), np.full(5, np.nan), np.full(10, -1.0)
    pack(vector, SPANS, packed)
    np.testing.assert_array_equal(packed, [1, 2, 6, 7, 8])
    unpack(packed, SPANS, back)
    np.testing.assert_array_equal(back, [-1, 1, 2, -1, -1, -1, 6, 7, 8, -1])


def test_a_longer_row_keeps_what_is_beyond() -> None:
    """Shares of other lengths travel in rows of the longest."""
    packed = np.full(7, -1.0)
    pack(np.arange(10.0), SPANS, packed)
    np.testing.assert_array_equal(packed, [1, 2, 6, 7, 8, -1, -1])


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_it_updates_its_spans_as_the_whole_optimizer_does_and_no_others(name: str) -> None:
    config, rng = Optim(name=name, lr=0.1, weight_decay=1e-2), np.random.default_rng(0)
    start, gradients = rng.standard_normal(10), rng.standard_normal((3, 10))
    whole, some = start.copy(), start.copy()
    one, share = optim.make(config, 10, np.float64), ShardedOptimizer(config, SPANS, np.float64)
    for g in gradients:
        one.apply(whole, g, lr=0.1, scale=0.5)
        share.apply(some, g, lr=0.1, scale=0.5)
    inside = np.isin(np.arange(10), [1, 2, 6, 7, 8])
    np.testing.assert_array_equal(some, np.where(inside, whole, start))
    assert share.count == one.count == 3
    for key, vector in share.state.items():
        np.testing.assert_array_equal(vector, one.state[key][inside])


def test_the_count_of_a_saved_run_is_taken_up() -> None:
    share = ShardedOptimizer(Optim(name="adam"), SPANS, np.float64)
    share.count = 41
    share.apply(np.zeros(10), np.ones(10), lr=0.1)
    assert share.count == 42


def test_a_node_without_a_share_has_no_state() -> None:
    share = ShardedOptimizer(Optim(name="adam"), [], np.float32)
    values = np.ones(4, np.float32)
    share.apply(values, values, lr=0.1)
    assert {vector.size for vector in share.state.values()} == {0}
    np.testing.assert_array_equal(values, 1)


@pytest.mark.parametrize("spec", ["threads:3", "nodes:0011"])
def test_a_checkpoint_has_the_state_of_all_and_gives_each_its_own(spec: str) -> None:
    def body(comm: Communicator) -> tuple[Any, Any, int]:
        told = sgd_config(comm=Comm(sharded_optimizer=True, bucket_bytes=64))
        mode = make_mode(build_step(comm, make_task(Net()), told), told.comm)
        n = mode.train_step.store.values.size
        mode.load_optimizer_state({"velocity": np.arange(n) + 1.0})
        mine = mode.train_step.optimizer.state["velocity"].copy()
        like = mode.optimizer_state_like()["velocity"]
        assert (like.shape, like.dtype) == ((n,), np.float64)
        return mode.consolidated_state()["velocity"], mine, n

    found = World(spec).run(body)
    for whole, _, n in found:
        np.testing.assert_array_equal(whole, np.arange(n) + 1.0)
    np.testing.assert_array_equal(np.sort(np.concatenate([mine for _, mine, _ in found])), np.arange(found[0][2]) + 1.0)
