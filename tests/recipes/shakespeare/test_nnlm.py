"""The language model's recipe: contexts and the words after them, a vocabulary, and what there is to beat."""

from __future__ import annotations

import re

import numpy as np

from ddtrain.recipes.shakespeare.nnlm import Model, ShakespeareNnlm, build


def test_each_word_follows_its_context() -> None:
    task = build(ShakespeareNnlm(model=Model(context=3)))
    x, y = task.train.batch(np.arange(100))
    assert (x.shape, y.shape) == ((100, 3), (100,))
    np.testing.assert_array_equal(x[1:, :-1], x[:-1, 1:])
    np.testing.assert_array_equal(x[1:, -1], y[:-1])


def test_the_vocabulary_is_the_networks_and_rarer_words_make_it_smaller() -> None:
    sizes = []
    for min_count in (2, 20):
        task = build(ShakespeareNnlm(model=Model(min_count=min_count)))
        words = task.model.declarations()["words.weight"].shape[0]
        assert f"{words:,} words" in task.about
        assert task.model.declarations()["output.weight"].shape[1] == words
        assert task.valid is not None
        for part in (task.train, task.valid):
            assert part.batch(np.arange(len(part)))[1].max() < words
        sizes.append(words)
    assert sizes[0] > 2 * sizes[1]


def test_it_says_what_there_is_to_beat_and_shows_perplexity() -> None:
    task = build(ShakespeareNnlm())
    found = re.search(r"to beat: interpolated bigrams with perplexity (\d+\.\d)", task.about)
    assert found
    assert 20 < float(found[1]) < 500
    assert task.derived["perplexity"]({"loss": 0.0}) == 1.0


def test_the_network_is_the_one_of_the_section() -> None:
    model = build(ShakespeareNnlm(model=Model(context=2, embedding=3, hidden=5, direct=True))).model
    shapes = {name: d.shape for name, d in model.declarations().items()}
    assert shapes["hidden.weight"] == (6, 5)
    assert shapes["direct.weight"][0] == 6
