"""Which elements are the largest."""

from __future__ import annotations

import numpy as np

from ddtrain.parallel.hooks.topk import largest


def test_top_k_of_equals_takes_the_first() -> None:
    assert largest(np.ones(10), 3).tolist() == [0, 1, 2]
    assert largest(np.array([0.0, -1, 1, 2, -1]), 3).tolist() == [1, 2, 3]
    assert largest(np.zeros(0), 0).tolist() == []
