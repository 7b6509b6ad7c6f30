"""Long curves as few points: extremes stay, means are means."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.report.drawing.thinning import kept, pieces

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [1, 10, 1000, 100_003])
def test_no_extreme_of_a_column_is_lost(n: int) -> None:
    x, y, bins = np.arange(1, n + 1), RNG.standard_normal(n), 50
    at = kept(x, y, bins)
    assert len(at) <= max(2 * bins, n if n <= 2 * bins else 0)
    assert np.all(np.diff(at) > 0)
    column = np.searchsorted(np.linspace(1, n, bins + 1)[1:-1], x, side="right")
    for k in np.unique(column):
        inside, left = y[column == k], y[at][column[at] == k]
        assert (left.min(), left.max()) == (inside.min(), inside.max())


def test_a_single_spike_and_a_single_nan_stay() -> None:
    x, y = np.arange(50_000), np.zeros(50_000)
    y[12_345], y[40_000] = 7.0, np.nan
    at = kept(x, y, 100)
    assert 12_345 in at
    assert 40_000 in at
    assert len(at) <= 201


def test_columns_are_of_steps_not_of_values() -> None:
    """Where a log has gaps, as after many skipped lines, a column without a value has no point."""
    x = np.concatenate([np.arange(1000), [100_000]])
    at = kept(x, np.arange(1001.0), 10)
    assert at.tolist() == [0, 999, 1000]


def test_pieces_hold_every_value_once() -> None:
    x, y = np.arange(3, 1003), RNG.standard_normal(1000)
    found = pieces(x, y, 3, 1002, 37)
    counts = [piece.last - piece.first + 1 for piece in found]
    assert sum(counts) == 1000
    assert max(counts) - min(counts) <= 1
    assert np.dot(counts, [piece.mean for piece in found]) == pytest.approx(y.sum(), abs=1e-9)
    assert min(piece.low for piece in found) == y.min()
    assert max(piece.high for piece in found) == y.max()


def test_what_is_not_finite_is_counted_and_spoils_no_mean() -> None:
    y = np.ones(100)
    y[10:20], y[50] = np.nan, np.inf
    found = pieces(np.arange(100), y, 0, 99, 10)
    assert [piece.odd for piece in found] == [0, 10, 0, 0, 0, 1, 0, 0, 0, 0]
    assert [piece.mean for piece in found if piece.odd < 10] == [1.0] * 9
    assert np.isnan(found[1].mean)


def test_means_of_exploding_values_do_not_warn() -> None:
    y = np.full(10, np.finfo(float).max)
    assert pieces(np.arange(10), y, 0, 9, 1)[0].mean == np.inf


def test_values_before_and_after_a_spike_keep_their_means() -> None:
    """As a running sum would not: 1e20 swallows what is added later."""
    y = np.ones(1000)
    y[100] = 1e20
    assert [piece.mean for piece in pieces(np.arange(1000), y, 0, 999, 10)][2:] == [1.0] * 8
