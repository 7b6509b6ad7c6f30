"""Splits: exact sizes, every sample in one part, and nothing but the seed decides."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ddtrain.data import ArrayData, Augmented, Subset, split_indices
from ddtrain.errors import DataError, UsageError

FRACTIONS = [(1.0,), (0.5, 0.5), (0.8, 0.1, 0.1), (0.7, 0.15, 0.15), (1 / 3, 1 / 3, 1 / 3), (0.1, 0.2, 0.3, 0.4)]
R = np.random.default_rng(0)


def check(parts, n, fractions):
    for part, fraction in zip(parts, fractions, strict=True):
        assert abs(len(part) - n * fraction) < 1
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(n))


@pytest.mark.parametrize("fractions", FRACTIONS)
@pytest.mark.parametrize("n", [10, 11, 97, 1000])
@pytest.mark.parametrize("stratified", [False, True])
def test_sizes_are_exact_and_parts_are_disjoint_and_cover(n, fractions, stratified):
    labels = R.integers(0, 5, n) ** 2 if stratified else None
    parts = split_indices(n, fractions, 3, labels)
    check(parts, n, fractions)
    assert [len(part) for part in parts] == [len(part) for part in split_indices(n, fractions, 4)]
    if stratified:
        for label, (part, fraction) in itertools.product(np.unique(labels), zip(parts, fractions)):
            assert abs((labels[part] == label).sum() - (labels == label).sum() * fraction) < 1 + 1e-9


def test_a_subset_has_a_fingerprint_if_its_data_has_one():
    data = ArrayData(np.arange(10))
    first, again, other = (Subset(data, rows).fingerprint() for rows in ([1, 2], [1, 2], [2, 1]))
    assert first == again != other
    assert Subset(ArrayData(np.arange(10) * 2), [1, 2]).fingerprint() != first

    class Bare:
        def __len__(self):
            return 10

    assert not hasattr(Subset(Bare(), [1, 2]), "fingerprint")


def test_classes_are_divided_within_one_sample_whatever_they_are():
    for trial in range(300):
        random = np.random.default_rng(trial)
        labels = random.integers(0, random.integers(1, 12), 60)
        fractions = random.dirichlet(np.full(random.integers(1, 6), 2.0)) * 0.9
        fractions = np.append(fractions, 1 - fractions.sum())
        if fractions.min() < 1 / 60:
            continue
        parts = split_indices(60, fractions, trial, labels)
        check(parts, 60, fractions)
        for part, fraction in zip(parts, fractions):
            wrong = np.bincount(labels[part], minlength=12) - np.bincount(labels, minlength=12) * fraction
            assert abs(wrong).max() <= 1 + 1e-9


def test_the_sizes_are_rounded_by_largest_remainder():
    assert [len(part) for part in split_indices(10, (0.75, 0.15, 0.1))] == [8, 1, 1]
    assert [len(part) for part in split_indices(100, (0.29, 0.71))] == [29, 71]  # 0.29 * 100 is 28.999999999999996
    assert [len(part) for part in split_indices(3_000_000, (0.333333, 0.333333, 0.333333))] == [1_000_000] * 3


@pytest.mark.parametrize("labels", [None, np.arange(50) % 3])
def test_the_seed_alone_decides(labels):
    first = split_indices(50, (0.6, 0.4), 3, labels)
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    again = split_indices(50, (0.6, 0.4), 3, labels)
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert (split_indices(50, (0.6, 0.4), 4, labels)[0] != first[0]).any()


@pytest.mark.parametrize("labels", [None, np.zeros(1000, int), np.array(["b", "a"] * 500)])
def test_every_sample_is_as_likely_as_any_other(labels):
    drawn = np.zeros(1000)
    for seed in range(60):
        drawn[split_indices(1000, (0.3, 0.7), seed, labels)[0]] += 1
    assert abs(drawn.mean() - 18) < 1e-9
    assert abs(drawn.var() - 60 * 0.21) < 0.2 * 60 * 0.21
    halves = drawn[:500].mean() - drawn[500:].mean()
    assert abs(halves) < 4 * np.sqrt(60 * 0.21 * 2 / 500)


WRONG = {
    "split: fractions (0.8, 0.1) are not all above 0 with the sum 1": lambda: split_indices(10, (0.8, 0.1)),
    "split: fractions (1.2, -0.2) are not all above 0 with the sum 1": lambda: split_indices(10, (1.2, -0.2)),
    "split: fractions (1.0, nan) are not all above 0 with the sum 1": lambda: split_indices(10, (1.0, float("nan"))),
    "split: fractions () are not all above 0 with the sum 1": lambda: split_indices(10, ()),
    "split: of 3 samples, fraction 0.1 is none": lambda: split_indices(3, (0.8, 0.1, 0.1)),
    "split: of 0 samples, fraction 1 is none": lambda: split_indices(0, (1.0,)),
    "split: 3 samples but labels of shape (4,)": lambda: split_indices(3, (0.5, 0.5), labels=np.zeros(4)),
}


@pytest.mark.parametrize("message", WRONG)
def test_message(message):
    with pytest.raises((UsageError, DataError)) as error:
        WRONG[message]()
    assert error.value.message == message
    assert error.value.remedy


def test_the_subset_comes_before_the_augmentation():
    data = ArrayData(np.zeros((10, 2, 2, 1)))
    assert len(Augmented(Subset(data, np.arange(3)), "flip")) == 3
    with pytest.raises(UsageError, match="Subset: of Augmented, which could mix samples of all parts"):
        Subset(Augmented(data, "flip"), np.arange(3))


def test_a_subset_is_its_samples_in_their_order():
    data = ArrayData(np.arange(10) * 10, np.arange(10))
    some = Subset(data, np.array([7, 2, 9]))
    assert len(some) == 3
    x, y = some.batch(np.array([2, 0]))
    assert (x.tolist(), y.tolist()) == ([90, 70], [9, 7])
    assert some.batch(np.array([], np.int64))[0].shape == (0,)
