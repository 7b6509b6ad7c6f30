"""Attention against one query at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from ddtrain.kernels import attention


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("t", "s"), [(4, 4), (2, 5), (1, 3), (1, 1)])
def test_each_query_averages_what_it_may_see(t, s, causal):
    r = np.random.default_rng(0)
    q, k, v = r.standard_normal((2, 3, t, 4)), r.standard_normal((2, 3, s, 4)), r.standard_normal((2, 3, s, 5))
    y, _ = attention.forward(q, k, v, causal)
    for n, head, i in np.ndindex(2, 3, t):
        seen = s - t + i + 1 if causal else s
        weights = softmax(k[n, head, :seen] @ q[n, head, i] / 2)  # sqrt(4)
        np.testing.assert_allclose(y[n, head, i], weights @ v[n, head, :seen], rtol=1e-12, atol=1e-14)
