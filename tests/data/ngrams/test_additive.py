"""Additive smoothing against fractions counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.data import Additive
from ddtrain.errors import UsageError

TEXT = np.array([0, 1, 0, 2, 0, 1])  # after 0: 1 twice, 2 once; after 1 and 2: 0


def test_it_is_the_fraction_of_counts() -> None:
    model = Additive([TEXT], vocabulary=4, order=2, alpha=1.0)
    p = model.probability(np.array([[0], [0], [0], [1], [3]]), np.array([1, 2, 3, 0, 0]))
    np.testing.assert_allclose(p, [3 / 7, 2 / 7, 1 / 7, 2 / 5, 1 / 4], rtol=1e-14)


def test_of_order_one_contexts_do_not_matter() -> None:
    model = Additive([TEXT], vocabulary=4, order=1, alpha=0.5)
    p = model.probability(np.array([[2], [3]]), np.array([0, 3]))
    np.testing.assert_allclose(p, [3.5 / 8, 0.5 / 8], rtol=1e-14)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_nothing_added_is_refused(alpha: float) -> None:
    with pytest.raises(UsageError, match=f"Additive: alpha {alpha} is not above 0"):
        Additive([TEXT], vocabulary=4, order=2, alpha=alpha)
