"""Sums of exponentials whose terms are infinite."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import grad


def test_sums_of_exponentials_of_infinities_have_finite_derivatives():
    inf = onp.inf
    for f in (np.logaddexp, np.logaddexp2):
        for x, y, expected in (
            (-inf, -inf, (0.5, 0.5)),
            (0.0, -inf, (1.0, 0.0)),
            (inf, 0.0, (1.0, 0.0)),
            (inf, inf, (0.5, 0.5)),
        ):
            assert grad(f, (0, 1))(x, y) == expected
