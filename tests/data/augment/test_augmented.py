"""Augmentations in a row, and the data set that the trainer sees."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.data import ArrayData, batch_of, fingerprint_of, training_batch_of
from ddtrain.data.augment import Augmented, augment, parse
from ddtrain.errors import DataError
from ddtrain.rng import stream

X, ROWS = np.zeros((5, 2, 2, 1)), np.arange(5)


def run(text):
    return augment((X,), ROWS, 3, 7, parse(text))[0]


def test_one_after_the_other():
    x = np.random.default_rng(0).standard_normal((5, 4, 4, 1))
    first, second = "crop(padding=1)", "cutout(size=1,fill=3)"
    both, turned = (augment((x,), ROWS, 3, 7, parse(f"{a},{b}"))[0] for a, b in ((first, second), (second, first)))
    by_turns = augment(augment((x,), ROWS, 3, 7, parse(first)), ROWS, 3, 7, parse(second))[0]
    np.testing.assert_array_equal(both, by_turns)
    assert (both != turned).any()
    np.testing.assert_array_equal(augment((x,), ROWS, 3, 7, ())[0], x)


def test_another_stage_before_does_not_change_what_one_draws():
    np.testing.assert_array_equal(run("flip,noise"), run("noise"))


def test_a_stage_that_occurs_again_draws_other_numbers():
    once, twice = run("brightness"), run("brightness,brightness")
    assert (abs(twice - 2 * once) > 1e-3).all()


def test_what_is_drawn_is_the_stream_of_the_sample():
    expected = [-0.2 + 0.4 * stream(7, "augment/brightness", 3, sample).random() for sample in range(5)]
    np.testing.assert_array_equal(run("brightness")[:, 0, 0, 0], expected)


def test_batches_for_training_and_for_evaluation():
    plain = ArrayData(X, np.arange(5))
    data = Augmented(plain, "brightness")
    x, y = training_batch_of(data, ROWS, np.float32, seed=7, epoch=3)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, run("brightness").astype(np.float32))
    np.testing.assert_array_equal(y, np.arange(5))
    np.testing.assert_array_equal(batch_of(data, ROWS, np.float64)[0], X)
    np.testing.assert_array_equal(training_batch_of(plain, ROWS, np.float64, seed=7, epoch=3)[0], X)


def test_the_checksum_is_the_datas():
    class Bare:
        def __len__(self):
            return 5

        def batch(self, indices):
            return (X[indices],)

    assert fingerprint_of(Augmented(ArrayData(X), "noise")) == fingerprint_of(ArrayData(X))
    assert not hasattr(Augmented(Bare(), "noise"), "fingerprint")  # so that all its samples are compared
    assert fingerprint_of(Augmented(Bare(), "noise")) == fingerprint_of(Bare())


def test_a_training_batch_that_is_no_tuple_is_named():
    class Odd:
        def __len__(self):
            return 5

        def batch(self, indices):
            return (X[indices],)

        def training_batch(self, indices, seed, epoch):
            return X[indices]

    with pytest.raises(DataError, match=r"Odd.training_batch returned an ndarray where a tuple of arrays is wanted"):
        training_batch_of(Odd(), ROWS, np.float32, seed=0, epoch=0)
