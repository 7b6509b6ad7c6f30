"""Random numbers depend on their key alone."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.rng import SampleRng, sample_streams, sample_uniform, stream


@pytest.mark.parametrize("features", [(), (1,), (7,), (8,), (9,), (3, 5)])
@pytest.mark.parametrize("cut", [0, 1, 5, 12])
def test_any_split_of_a_batch_gives_the_same_rows(features: tuple[int, ...], cut: int) -> None:
    whole = sample_uniform(3, "p", 11, 0, (12, *features))
    parts = [sample_uniform(3, "p", 11, 0, (cut, *features)), sample_uniform(3, "p", 11, cut, (12 - cut, *features))]
    assert np.array_equal(np.concatenate(parts), whole)


def test_every_part_of_the_key_matters() -> None:
    base = sample_uniform(1, "a", 2, 3, (4, 8))
    others = [
        sample_uniform(2, "a", 2, 3, (4, 8)),
        sample_uniform(1, "b", 2, 3, (4, 8)),
        sample_uniform(1, "a", 3, 3, (4, 8)),
        sample_uniform(1, "a", 2, 4, (4, 8)),
    ]
    assert all(not np.array_equal(base, other) for other in others)
    assert stream(1, "a", 0).random() != stream(1, "a", 1).random() != stream(1, "a", 0, 1).random()


def test_rows_are_different_and_uniform() -> None:
    x = sample_uniform(0, "p", 0, 0, (1000, 50))
    assert x.min() >= 0
    assert x.max() < 1
    assert abs(x.mean() - 0.5) < 0.005  # standard error 0.0013
    assert abs(np.corrcoef(x[:-1].ravel(), x[1:].ravel())[0, 1]) < 0.02  # standard error 0.0045


def test_float32_and_float64_runs_drop_the_same_units() -> None:
    rng = SampleRng(5, 7, 2)
    single, double = rng.uniform("d", (6, 9)), rng.uniform("d", (6, 9), np.float64)
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    assert np.array_equal(single, double)


def test_the_streams_of_samples_are_streams_wherever_the_last_one_stopped() -> None:
    samples = np.array([5, 0, 2**40, 5])
    draws = [
        (g.integers(1 << 30), g.random(3, np.float32).tolist(), g.standard_normal())  # half of a word is left over
        for g in sample_streams(2**64 - 1, "augment/crop", 3, samples)
    ]
    for sample, drawn in zip(samples, draws):
        g = stream(2**64 - 1, "augment/crop", 3, int(sample))
        assert drawn == (g.integers(1 << 30), g.random(3, np.float32).tolist(), g.standard_normal())
    assert draws[0] == draws[3] != draws[1]
    assert list(sample_streams(0, "a", 0, [])) == []
