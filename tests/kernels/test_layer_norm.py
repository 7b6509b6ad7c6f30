"""Layer normalisation against its formula."""

import numpy as np

from ddtrain.kernels import layer_norm


def test_forward_is_the_formula():
    r = np.random.default_rng(0)
    x, scale, shift = r.standard_normal((4, 2, 7)) + 5, r.standard_normal(7), r.standard_normal(7)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 0.1) * scale + shift
    np.testing.assert_allclose(layer_norm.forward(x, scale, shift, 0.1)[0], expected, rtol=1e-12)
