"""Every sample once, in the same batches and the same order of rows, for any number of ranks and from any step."""

import numpy as np
import pytest

from ddtrain.data import Position, batches, order, position, shard, shard_bounds, split, step_at, steps_per_epoch

SIZES = [(1, 1), (7, 3), (8, 4), (10, 4), (5, 8), (1797, 128)]


@pytest.mark.parametrize(("n", "batch_size"), SIZES)
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 7])
def test_shards_are_the_batch_and_batches_are_the_data(n, batch_size, ranks):
    rows = []
    for batch in batches(0, 5, n, batch_size):
        shards = [shard(batch, rank, ranks) for rank in range(ranks)]
        np.testing.assert_array_equal(np.concatenate(shards), batch)
        lengths = [len(s) for s in shards]
        assert max(lengths) - min(lengths) <= 1
        assert [shard_bounds(len(batch), rank, ranks)[0] for rank in range(ranks)] == [
            sum(lengths[:rank]) for rank in range(ranks)
        ]
        rows += batch.tolist()
    assert sorted(rows) == list(range(n))


@pytest.mark.parametrize(("n", "batch_size"), SIZES)
def test_every_batch_but_the_last_is_full(n, batch_size):
    lengths = [len(batch) for batch in batches(1, 0, n, batch_size)]
    assert len(lengths) == steps_per_epoch(n, batch_size)
    assert all(length == batch_size for length in lengths[:-1])
    assert 0 < lengths[-1] <= batch_size


def test_the_order_depends_on_seed_and_epoch_alone():
    first = order(3, 2, 100)
    order(3, 9, 50)
    np.testing.assert_array_equal(order(3, 2, 100), first)
    assert (order(4, 2, 100) != first).any()
    assert (order(3, 3, 100) != first).any()


@pytest.mark.parametrize(("n", "batch_size"), SIZES)
def test_a_step_finds_its_place_and_back(n, batch_size):
    visited = [
        (epoch, offset, batch) for epoch in range(3) for offset, batch in enumerate(batches(0, epoch, n, batch_size))
    ]
    for step, (epoch, offset, batch) in enumerate(visited):
        place = position(step, n, batch_size)
        assert place == Position(epoch, offset)
        assert step_at(place, n, batch_size) == step
        np.testing.assert_array_equal(batches(0, place.epoch, n, batch_size)[place.offset], batch)


def test_no_samples():
    assert batches(0, 0, 0, 4) == []
    assert split(np.arange(0), 3) == []
    assert shard(np.arange(0), 1, 3).size == 0
