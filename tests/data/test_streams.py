"""Streams: batch k has the k-th sample of each, no sample is left out, and each knows which one it follows.

What would make these fail: a stream that goes on into the next one's samples, a short last batch of the wrong streams,
a number that makes the first sample of a text follow the last one of another.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from ddtrain.data import ArrayData, Augmented, Streams, Subset, batches_of, order_of
from ddtrain.data.checksum import fingerprint_of
from ddtrain.errors import DataError, UsageError

SIZES = [(1, 1), (5, 1), (5, 5), (6, 3), (7, 3), (8, 3), (100, 32)]


def streams(n: int, count: int, begins: Any = ()) -> Streams:
    return Streams(ArrayData(np.arange(n)), count, begins)


@pytest.mark.parametrize(("n", "count"), SIZES)
def test_every_batch_goes_on_where_the_one_before_has_ended(n: int, count: int) -> None:
    batches = batches_of(streams(n, count), seed=3, epoch=1, batch_size=count)
    assert sorted(np.concatenate(batches)) == list(range(n)), "each sample once"
    for before, batch in itertools.pairwise(batches):
        np.testing.assert_array_equal(batch, before[: len(batch)] + 1)


@pytest.mark.parametrize(("n", "count"), SIZES)
def test_streams_are_parts_of_the_samples_in_their_order(n: int, count: int) -> None:
    x, of, number = streams(n, count).batch(np.arange(n))
    expected = [(s, k + 1) for s, part in enumerate(np.array_split(x, count)) for k in range(len(part))]
    np.testing.assert_array_equal(np.transpose([of, number]), expected)


@pytest.mark.parametrize("begins", [[0], [4], [0, 3, 5], [1, 2, 6], [6, 1, 2]])
def test_nothing_follows_the_end_of_another_text(begins: list[int]) -> None:
    *_, number = streams(7, 2, begins).batch(np.arange(7))  # the streams are 0 to 3 and 4 to 6
    assert (number[[0, 4]] == 1).all()
    for k in (1, 2, 3, 5, 6):
        assert (number[k] == number[k - 1] + 1) == (k not in begins)
        assert number[k] > number[k - 1], "no two of a stream have one number"


def test_every_epoch_of_every_seed_has_this_order() -> None:
    data = streams(7, 3)
    np.testing.assert_array_equal(order_of(data, seed=0, epoch=0), order_of(data, seed=1, epoch=5))


def test_an_empty_shard_has_numbers_too() -> None:
    assert [part.shape for part in streams(7, 3).batch(np.arange(0))] == [(0,)] * 3


@pytest.mark.parametrize("count", [0, -1, 8])
def test_streams_without_samples_are_refused(count: int) -> None:
    with pytest.raises(UsageError, match=rf"Streams: 7 samples make no {count} streams"):
        streams(7, count)


def test_other_streams_of_the_same_samples_are_other_data() -> None:
    """So that ranks, and a resumed run, see it."""
    several = [streams(7, 3), streams(7, 2), streams(7, 3, [4])]
    assert len({fingerprint_of(data) for data in several}) == 3
    assert fingerprint_of(streams(7, 3)) == fingerprint_of(several[0])


class Ordered(ArrayData):
    """Samples in an order of their own."""

    def __init__(self, rows: Any) -> None:
        super().__init__(np.arange(4))
        self.rows = rows

    def order(self, *, seed: int, epoch: int) -> Any:
        return self.rows


def test_a_data_sets_own_order_is_used() -> None:
    assert order_of(Ordered([3, 1, 0, 2]), seed=0, epoch=0).tolist() == [3, 1, 0, 2]


def test_an_attribute_of_that_name_is_no_order() -> None:
    plain = ArrayData(np.arange(5))
    plain.order = 3  # type: ignore[attr-defined]
    assert order_of(plain, seed=0, epoch=3).tolist() == [0, 2, 1, 4, 3]


@pytest.mark.parametrize("rows", [[0, 1, 2], [0, 1, 2, 2], [0, 1, 2, 4], [0, 1, 2, 3, 3], [-1, 0, 1, 2]])
def test_an_order_that_is_none_is_refused(rows: list[int]) -> None:
    with pytest.raises(DataError, match=r"Ordered\.order: not each of 4 samples once"):
        order_of(Ordered(rows), seed=0, epoch=0)


def test_what_would_lose_the_order_is_refused() -> None:
    with pytest.raises(UsageError, match="augment: the samples of Streams follow one another"):
        Augmented(streams(7, 3), "flip")
    with pytest.raises(UsageError, match="Subset: of Streams, which has an order of its own"):
        Subset(streams(7, 3), np.arange(3))
    with pytest.raises(UsageError, match="Streams: of Ordered, whose augmentation or order would be lost"):
        Streams(Ordered([0, 1, 2, 3]), 2)
    with pytest.raises(UsageError, match="Streams: of Augmented"):
        Streams(Augmented(ArrayData(np.ones((4, 2, 2, 1))), "flip"), 2)
