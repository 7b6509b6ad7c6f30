"""Banded systems of any number of diagonals."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl

from ddtrain.autodiff import check_grads
from ddtrain.scipy import linalg

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("lower", "upper"), [(1, 1), (2, 0), (0, 3), (3, 3), (0, 0)])
def test_solve_banded(lower, upper):
    ab = RNG.normal(size=(lower + upper + 1, 4))
    ab[upper] += 5
    for b in (RNG.normal(size=4), RNG.normal(size=(4, 2))):
        expected = sl.solve_banded((lower, upper), ab, b)
        np.testing.assert_allclose(linalg.solve_banded((lower, upper), ab, b), expected, rtol=1e-12)
        check_grads(lambda ab, b: linalg.solve_banded((lower, upper), ab, b))(ab, b)
