"""GloVe is equation 7 of its paper."""

from __future__ import annotations

import numpy as np

from ddtrain import grad, models


def test_it_is_the_product_of_two_vectors_and_two_biases() -> None:
    model = models.Glove(5, 3)
    v = model.init(0, np.float64)
    i, j = np.array([0, 4, 4]), np.array([1, 1, 2])
    wanted = (v["words.weight"][i] * v["contexts.weight"][j]).sum(axis=1)
    wanted += v["word_bias.weight"][i, 0] + v["context_bias.weight"][j, 0]
    np.testing.assert_allclose(model.bind(v)(i, j), wanted, rtol=1e-12)
    assert model.bind(v)(i[:0], j[:0]).shape == (0,)


def test_a_words_vector_is_the_sum_of_its_two() -> None:
    model = models.Glove(5, 3)
    v = model.init(0)
    np.testing.assert_array_equal(model.bind(v).vectors(), v["words.weight"] + v["contexts.weight"])


def test_only_words_of_the_pairs_learn() -> None:
    model = models.Glove(5, 3)
    g = grad(lambda v: model.bind(v)(np.array([0]), np.array([3])).sum())(model.init(0, np.float64))
    assert np.flatnonzero(g["words.weight"].any(axis=1)).tolist() == [0]
    assert np.flatnonzero(g["context_bias.weight"].any(axis=1)).tolist() == [3]
