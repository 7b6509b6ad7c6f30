"""The samples that are tried before a run: of labels and targets of all kinds, of subsets, and where there are none.

What would make these fail: a place among all numbers taken for a sample's, a sum over the wrong axis, a subset that
names the samples of the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.data import ArrayData, Augmented, Subset
from ddtrain.data.extremes import extreme_rows

R = np.random.default_rng(0)
X, LABELS, TOKENS = R.standard_normal((50, 3)), R.integers(0, 4, 50), R.integers(0, 9, (50, 5))
SHARES = R.dirichlet(np.ones(4), 50)


def changed(x: Any, place: Any, value: Any) -> Any:
    x = x.copy()
    x[place] = value
    return x


@pytest.mark.parametrize(
    ("arrays", "sample"),
    [
        ([X, changed(LABELS, 31, 9)], 31),
        ([X, changed(LABELS, 31, -9)], 31),
        ([X, changed(TOKENS, (31, 4), 99)], 31),
        ([changed(TOKENS, (31, 4), 99)], 31),
        ([X, changed(SHARES, 31, SHARES[31] / 2)], 31),
        ([X, changed(SHARES, 31, SHARES[31] * 2)], 31),
        ([X, changed(SHARES, (31, 2), np.nan)], 31),
        ([X, LABELS, changed(SHARES, 31, [1.25, -0.25, 0, 0])], 31),
        ([X, np.asfortranarray(changed(TOKENS, (31, 4), 99))], 31),
    ],
)
def test_the_sample_that_stands_out_is_among_them(arrays: list[Any], sample: int) -> None:
    rows = extreme_rows(arrays).tolist()
    assert sample in rows
    assert len(rows) <= 6, "few"


@pytest.mark.parametrize("arrays", [[X], [X[:0], LABELS[:0]], [X, np.empty((50, 0))], [X, np.array(["a"] * 50)]])
def test_there_is_nothing_that_could_be_a_class(arrays: list[Any]) -> None:
    assert extreme_rows(arrays).tolist() == []


def test_a_subset_names_its_own_samples() -> None:
    whole = ArrayData(X, changed(changed(LABELS, 31, 9), 2, 99))
    assert 1 in Subset(whole, np.array([30, 31, 32])).extremes()
    assert not hasattr(Subset(Subset(whole, np.arange(9)), np.arange(3)), "extremes"), "these are not tried"
    images = ArrayData(R.standard_normal((3, 2, 2, 1)), np.array([0, 7, 0]))
    assert Augmented(images, "flip").extremes().tolist() == [0, 1]
