"""Iterators of unknown length: one pass, every sample once, and what cannot be a sample is said with its number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.data import IteratorData
from ddtrain.errors import DataError, UsageError
from ddtrain.runs import fit
from ddtrain.trainer.task import Task


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 3000])  # about the blocks' 1024
def test_every_sample_is_there_once_in_order(count: int) -> None:
    data = IteratorData(lambda: ((np.array([k, -k], np.int16), k / 2) for k in range(count)))
    x, y = data.batch(np.arange(count))
    np.testing.assert_array_equal(x, np.stack([np.arange(count), -np.arange(count)], axis=1).astype(np.int16))
    assert (x.dtype, y.dtype, len(data)) == (np.int16, np.float64, count)
    np.testing.assert_array_equal(y, np.arange(count) / 2)


def test_the_iterator_is_called_once(tmp_path: Path) -> None:
    calls: list[int] = []

    def samples() -> Iterator[Any]:
        calls.append(1)
        yield from np.random.default_rng(len(calls)).standard_normal((20, 2))

    task = Task(nn.Linear(2, 1), lambda model, x: model(x)[:, 0] ** 2, IteratorData(samples))
    run = fit(task, dir=tmp_path / "run", epochs=3, batch_size=6, quiet=True)
    assert len(calls) == 1
    assert run.summary["steps"] == 3 * 4  # an epoch is all 20 samples


def test_the_first_of_an_iterator_that_never_ends() -> None:
    data = IteratorData(lambda: map(float, itertools.count()), most=1500)
    assert len(data) == 1500
    assert data.batch(np.array([1499]))[0] == 1499


def test_the_fingerprint_is_of_every_sample() -> None:
    x = np.zeros(5000)
    first = IteratorData(lambda: iter(x)).fingerprint()
    x[1234] = 1
    assert IteratorData(lambda: iter(x)).fingerprint() != first


def test_views_zero_dimensions_and_empty_arrays() -> None:
    x = np.arange(24).reshape(4, 6)
    data = IteratorData(lambda: ((row[::-2], np.zeros((0, 3)), row.sum() > 50) for row in x))
    a, b, c = data.batch(np.array([3, 0]))
    np.testing.assert_array_equal(a, x[[3, 0], ::-2])
    assert b.shape == (2, 0, 3)
    np.testing.assert_array_equal(c, [True, False])


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([], "the iterator gave no samples"),
        ([(1.0, 2), (1.0,)], r"sample 1 is float64 \(\); sample 0 is float64 \(\), int64 \(\)"),
        ([np.zeros(2), np.zeros(3)], r"sample 1 is float64 \(3,\); sample 0 is float64 \(2,\)"),
        ([1.0] * 1500 + [1], r"sample 1500 is int64 \(\)"),
        ([None], r"sample 0 is object \(\)"),
        ([()], "sample 0 is empty"),
    ],
)
def test_what_cannot_be_a_sample(samples: list[Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        IteratorData(lambda: iter(samples))


def test_what_is_no_function_and_a_disk_that_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="a list where a function is wanted"):
        IteratorData([1, 2])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="most -1"):
        IteratorData(lambda: iter([1.0]), most=-1)
    with pytest.raises(DataError, match=r"sample 0 cannot be written: No such file.*\n.*another directory"):
        IteratorData(lambda: iter([1.0]), directory="/nowhere/at/all")


def test_an_error_of_the_iterator_is_raised_as_it_is() -> None:
    def samples() -> Iterator[float]:
        yield 1.0
        raise OSError("the line is dead")

    with pytest.raises(OSError, match="the line is dead"):
        IteratorData(samples)
