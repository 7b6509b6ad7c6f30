"""Bengio's language model is equation 1 of its paper, with and without the direct connections."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import grad, models, ops
from ddtrain.errors import ShapeError

CONTEXT = np.array([[1, 0, 4], [4, 4, 2]])


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_it_is_equation_1(rows: int, direct: bool) -> None:
    model = models.Nnlm(5, context=3, embedding=2, hidden=4, direct=direct)
    v = model.init(0, np.float64)
    e = v["words.weight"][CONTEXT[:rows]].reshape(rows, 6)
    y = v["output.bias"] + np.tanh(v["hidden.bias"] + e @ v["hidden.weight"]) @ v["output.weight"]
    if direct:
        y = y + e @ v["direct.weight"]
    np.testing.assert_allclose(model.bind(v)(CONTEXT[:rows]), y, rtol=1e-12)


def test_only_words_that_were_seen_learn() -> None:
    model = models.Nnlm(5, context=3, embedding=2, hidden=4)
    loss = lambda v: ops.cross_entropy(model.bind(v)(CONTEXT), np.array([0, 3])).sum()
    learned = grad(loss)(model.init(0, np.float64))["words.weight"]
    assert [bool(row.any()) for row in learned] == [True, True, True, False, True]


def test_a_word_outside_of_the_vocabulary_is_named() -> None:
    model = models.Nnlm(5, context=3, embedding=2, hidden=4)
    with pytest.raises(ShapeError, match=r"index 5 at position \(0, 1\) is outside \[0, 5\)"):
        model.bind(model.init(0))(np.array([[0, 5, 0]]))
