"""GloVe's recipe: equation 8 with its weights, over all words of all plays."""

from __future__ import annotations

import numpy as np

from ddtrain import data
from ddtrain.recipes.shakespeare.glove import Model, ShakespeareGlove, build, weighted_squares


def test_pairs_carry_logarithms_and_weights() -> None:
    task = build(ShakespeareGlove(model=Model(enough=5.0, window=3, min_count=2)))
    i, j, log_x, weights = task.train.batch(np.arange(len(task.train)))
    texts, _, vocabulary = data.corpus(data.plays(), min_count=2, held_out=0.0)
    wanted = data.cooccurrences(texts, len(vocabulary), 3)
    np.testing.assert_array_equal((i, j), wanted[:2])
    np.testing.assert_allclose(np.exp(log_x), wanted[2])
    assert weights.max() == 1.0
    rare = int(np.argmin(log_x))
    np.testing.assert_allclose(weights[rare], (np.exp(log_x[rare]) / 5.0) ** 0.75, rtol=1e-12)
    assert task.vocabulary.tokens == vocabulary.tokens


def test_the_loss_is_a_weighted_square() -> None:
    model = lambda i, j: i + 2.0 * j
    losses = weighted_squares(model, np.array([1, 2]), np.array([0, 1]), np.array([0.5, 4.0]), np.array([0.25, 1.0]))
    np.testing.assert_allclose(losses, [0.25 * 0.5**2, 0.0])
