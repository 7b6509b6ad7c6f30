"""Sinks: each gradient lands in its place of the row, and is announced once, when no shard has more to add to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ddtrain.param_store import ParamStore
from ddtrain.trainer.step.gradient_buffer import GradientBuffer

SHAPES = {"w": (2, 3), "b": (3,), "s": ()}
G = {name: np.arange(1.0, 1 + np.prod(shape)).reshape(shape) for name, shape in SHAPES.items()}


def make(shards: int, blocks: Any, rows: Any = None) -> tuple[GradientBuffer, ParamStore, list[int]]:
    store = ParamStore({name: np.zeros(shape) for name, shape in SHAPES.items()}, {}, np.float64)
    announced: list[int] = []
    layout: Any = SimpleNamespace(shards=range(shards), blocks=blocks, shards_by_rank=(range(shards),))
    reducer: Any = SimpleNamespace(ready=announced.append, buckets=())
    return GradientBuffer(store, [store.grads] if rows is None else rows, layout, reducer), store, announced


def test_a_single_shard_writes_into_the_stores_gradients() -> None:
    buffer, store, announced = make(1, ((0, 1),))
    store.grads[...] = np.nan
    for i, name in reversed(list(enumerate(store.names))):
        buffer.sinks[0][i](G[name])
    for i, name in enumerate(store.names):
        np.testing.assert_array_equal(store.grad_views[i], G[name])
    assert announced == [2, 1, 0]


@pytest.mark.parametrize(("shards", "blocks"), [(1, ((0, 1),)), (3, ((0, 3),))])
def test_no_gradient_is_zero_and_not_that_of_the_step_before(shards: int, blocks: Any) -> None:
    buffer, store, announced = make(shards, blocks)
    for given in (G, dict.fromkeys(G)):
        for k in range(shards):
            for i, name in enumerate(store.names):
                buffer.sinks[k][i](given[name])
    np.testing.assert_array_equal(store.grads, 0)
    assert announced == [0, 1, 2] * 2


def test_only_the_last_shard_announces() -> None:
    buffer, store, announced = make(3, ((0, 3),))
    for k in range(3):
        assert announced == []
        for i, name in enumerate(store.names):
            buffer.sinks[k][i]((k + 1) * G[name])
    assert announced == [0, 1, 2]
    for i, name in enumerate(store.names):
        np.testing.assert_array_equal(store.grad_views[i], 6 * G[name])


def test_shards_of_several_subtrees_have_a_row_each() -> None:
    rows = np.zeros((2, 10))
    buffer, store, _ = make(3, ((3, 4), (4, 6)), rows)
    for k in range(3):
        for i, name in enumerate(store.names):
            buffer.sinks[k][i](10.0**k * G[name])
    ordered = np.empty(10)
    for span, name in zip(store.spans, store.names, strict=True):
        ordered[span] = G[name].ravel()
    np.testing.assert_array_equal(rows[0], ordered)
    np.testing.assert_array_equal(rows[1], 110 * ordered)
    assert np.shares_memory(buffer.grads, rows[0])


def test_memory_is_that_of_the_rows_and_of_the_levels_between() -> None:
    assert make(1, ((0, 1),))[0].nbytes == 80
    assert make(2, ((0, 2),))[0].nbytes == 80
    assert make(4, ((0, 4),))[0].nbytes == 160, "of four shards, the third waits for the fourth"
