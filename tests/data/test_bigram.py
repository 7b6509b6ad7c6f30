"""A proper distribution after every context, weights that the text deserves, and a perplexity worth beating."""

import numpy as np
import pytest

from ddtrain.data import Bigram, corpus, plays, windows


@pytest.fixture(scope="module")
def two_plays():
    texts = {title: text for title, text in plays().items() if title in ("MACBETH", "THE TEMPEST")}
    train, held_out, vocabulary = corpus(texts)
    return train, held_out, len(vocabulary), Bigram(train, len(vocabulary))


def test_probabilities_add_up_to_one(two_plays):
    _, _, size, model = two_plays
    for previous in (0, 1, 17, size - 1):
        total = model.probability(np.full(size, previous), np.arange(size)).sum()
        assert abs(total - 1) < 1e-12 * size


def test_after_a_context_never_seen_too():
    model = Bigram([np.array([1, 2, 1, 3] * 20)], vocabulary=9)
    p = model.probability(np.full(9, 7), np.arange(9))
    assert abs(p.sum() - 1) < 1e-12
    assert (p > 0).all()
    assert p[1] > p[2] > p[8]


def test_it_beats_the_unigram_and_every_fixed_mixture(two_plays):
    _, held_out, size, model = two_plays
    contexts, targets = windows(held_out, 4)
    best = model.perplexity(contexts[:, -1], targets)
    parts = model._components(contexts[:, -1], targets)
    for fixed in ([0.02, 0.98, 0], [0.05, 0.25, 0.7], [0.02, 0.48, 0.5], [0.02, 0.68, 0.3], [1, 0, 0]):
        assert best < np.exp(-np.log(parts @ np.array(fixed)).mean())
    assert 50 < best < 250
    assert best < size


def test_the_more_a_context_was_seen_the_more_its_bigrams_count(two_plays):
    weights = two_plays[3].weights
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)
    assert weights[0, 2] == 0
    assert weights[2, 2] < weights[6, 2] < weights[-1, 2]


def test_frequencies_come_from_all_of_the_text():
    model = Bigram([np.array([0, 1] * 100), np.array([2, 3])], vocabulary=4)
    assert model._components(np.array([0, 2]), np.array([1, 3]))[:, 2].tolist() == [1.0, 1.0]


def test_no_pair_crosses_texts():
    model = Bigram([np.array([1] * 50), np.array([2] * 50)], vocabulary=3)
    assert model._components(np.array([1]), np.array([2]))[0, 2] == 0
