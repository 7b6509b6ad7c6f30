"""GloVe's vectors of any text, and the analogies that they are asked for."""

# V vocabulary, D width, Q questions

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import ddtrain
from ddtrain import data
from ddtrain.data.text import Ids
from ddtrain.models import Glove
from ddtrain.optim import AdaGrad
from ddtrain.recipes.shakespeare.glove import weighted_squares
from examples.lectures.training import fitted

Array = np.ndarray[Any, Any]


def glove(
    texts: Sequence[Ids], vocabulary: int, seed: int, *, width: int, window: int, epochs: int, batch_size: int
) -> Array:
    """The words' vectors, each brought to the length 1, (V, D); weights and rate are those of ``shakespeare_glove``."""
    i, j, x = data.cooccurrences(texts, vocabulary, window)
    model = Glove(vocabulary, width)
    task = ddtrain.Task(model, weighted_squares, train=(i, j, np.log(x), np.minimum(x / 100, 1.0) ** 0.75))
    at_the_end = {"every": 10**9}
    run = fitted(task, epochs=epochs, batch_size=batch_size, optim=AdaGrad(lr=0.05), seed=seed, checkpoint=at_the_end)
    assert run is not None, "least squares by AdaGrad do not diverge"
    vectors = np.asarray(run.load(model).vectors(), np.float64)
    unit: Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def questions(pairs: Ids) -> Ids:
    """a is to b as c is to d, of all pairs (a, b) with all others (c, d), (Q, 4).

    >>> questions(np.array([[1, 2], [3, 4]])).tolist()
    [[1, 2, 3, 4], [3, 4, 1, 2]]
    """
    one, other = np.nonzero(~np.eye(len(pairs), dtype=bool))
    return np.concatenate([pairs[one], pairs[other]], axis=1)


def offsets(unit_VD: Array, asked_Q4: Ids) -> Array:
    """b − a + c of each question, (Q, D).

    References
    ----------
    T. Mikolov, W. Yih, G. Zweig, Linguistic regularities in continuous space word representations, NAACL 2013.
    """
    a, b, c, _ = asked_Q4.T
    places: Array = unit_VD[b] - unit_VD[a] + unit_VD[c]
    return places


def answered(unit_VD: Array, places_QD: Array, asked_Q4: Ids, leave_out: bool = True) -> float:
    """The share of questions whose d is the word with the largest cosine to its place.

    Parameters
    ----------
    leave_out : whether a, b and c are no answers, as is usual

    >>> unit, asked = np.eye(5), np.array([[0, 1, 2, 3], [0, 1, 2, 3]])
    >>> answered(unit, unit[[3, 4]], asked), answered(unit, unit[[3, 3]] + 2 * unit[[2]], asked, leave_out=False)
    (0.5, 0.0)
    """
    cosines_QV = places_QD @ unit_VD.T
    if leave_out:
        np.put_along_axis(cosines_QV, asked_Q4[:, :3], -np.inf, axis=1)
    return float(np.mean(cosines_QV.argmax(axis=1) == asked_Q4[:, 3]))
