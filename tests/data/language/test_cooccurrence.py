"""Weighted counts of words near each other, against a loop; and the nearest by cosine."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from ddtrain.data import cooccurrences, nearest
from ddtrain.errors import UsageError

TEXTS = [np.random.default_rng(k).integers(0, 5, n) for k, n in enumerate((30, 4, 1, 0))]


@pytest.mark.parametrize("window", [1, 2, 5, 40])
def test_they_are_those_of_a_loop(window: int) -> None:
    wanted: defaultdict[tuple[int, int], float] = defaultdict(float)
    for text in TEXTS:
        for a in range(len(text)):
            for b in range(len(text)):
                if 0 < abs(a - b) <= window:
                    wanted[int(text[a]), int(text[b])] += 1 / abs(a - b)
    i, j, x = cooccurrences(TEXTS, vocabulary=6, window=window)
    assert [*zip(i.tolist(), j.tolist(), strict=True)] == sorted(wanted)
    np.testing.assert_allclose(x, [wanted[key] for key in sorted(wanted)], rtol=1e-12)


def test_without_pairs_there_are_none() -> None:
    assert [len(part) for part in cooccurrences([np.array([3])], vocabulary=6)] == [0, 0, 0]


def test_a_window_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="cooccurrences: window 0 is below 1"):
        cooccurrences(TEXTS, vocabulary=6, window=0)


def test_lengths_do_not_matter_and_a_word_is_not_its_own_neighbour() -> None:
    vectors = np.array([[1.0, 0.0], [5.0, 1.0], [0.1, 0.1], [-1.0, 0.0], [0.0, 0.0]])
    assert nearest(vectors, 0, count=4).tolist() == [1, 2, 4, 3]
    assert nearest(vectors, 0, count=99).tolist() == [1, 2, 4, 3]
