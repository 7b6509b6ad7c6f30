"""Interpolated n-grams: of order two the bigram model, mixtures by what was seen, and better with every order."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.data import Bigram, Interpolated, corpus, plays, windows


@pytest.fixture(scope="module")
def play():
    train, held_out, vocabulary = corpus({"MACBETH": plays()["MACBETH"]}, list, min_count=1)
    return train, len(vocabulary), *windows(held_out, 3)


def test_of_order_two_it_is_the_bigram_model(play):
    train, size, contexts, tokens = play
    bigram, model = Bigram(train, size), Interpolated(train, size, order=2)
    np.testing.assert_array_equal(bigram.weights, model.weights)
    np.testing.assert_array_equal(bigram.probability(contexts[:, -1], tokens), model.probability(contexts, tokens))


def test_every_order_helps(play):
    train, size, contexts, tokens = play
    bits = [Interpolated(train, size, order=n).bits(contexts, tokens) for n in (1, 2, 3, 4)]
    assert bits == sorted(bits, reverse=True)


def test_orders_beyond_the_longest_context_that_was_seen_have_no_weight():
    model = Interpolated([np.random.default_rng(0).integers(0, 3, 200)], vocabulary=4, order=3)
    assert model.weights.shape == (1 + 2 * 11, 4)
    np.testing.assert_allclose(model.weights.sum(axis=1), 1.0, rtol=1e-12)
    assert not model.weights[0, 2:].any()
    assert not model.weights[1:12, 3].any()
    assert model.weights[1:12, 2].all()
    assert model.weights[12:, 3].all()


def test_estimates_are_relative_frequencies_of_each_order():
    model = Interpolated([np.array([0, 1, 2, 0, 1, 1] * 10)], vocabulary=4, order=3)
    groups, parts = model._estimates(np.array([[0, 1], [3, 1], [0, 3]]), np.array([2, 2, 2]))
    # 0 1 comes 20 times, followed by 2 ten times; 1 is followed 29 times, by 2 ten times; 2 is 10 of 60
    np.testing.assert_allclose(parts[0], [1 / 4, 10 / 60, 10 / 29, 10 / 20])
    np.testing.assert_allclose(parts[1], [1 / 4, 10 / 60, 10 / 29, 0])
    np.testing.assert_allclose(parts[2], [1 / 4, 10 / 60, 0, 0])
    assert groups.tolist() == [11 + 5, 5, 0]  # 16 to 31 times: the fifth group of its order
