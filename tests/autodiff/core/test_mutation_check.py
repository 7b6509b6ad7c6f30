"""Fingerprints: every change of an array is seen, whatever its layout, length and type."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad
from ddtrain.autodiff.core.mutation_check import SMALL_BYTES, fingerprint


@pytest.mark.parametrize("n", [3, 5000])
@pytest.mark.parametrize("layout", [lambda x: x, lambda x: x[::2], lambda x: x.reshape(-1, 1).T[:, ::-1]])
def test_every_change_is_seen(n, layout):
    rng = onp.random.default_rng(0)
    x = rng.standard_normal(4 * n)
    view = layout(x)
    changes = [
        lambda: view.__setitem__((..., 1), 7.0),
        lambda: view.__setitem__((..., slice(None, None, -1)), view.copy()),
        lambda: view.sort(),
        lambda: view.__imul__(1 + 1e-15),
        lambda: view.__setitem__((..., -1), onp.nan),
    ]
    for change in changes:
        before = fingerprint(view)
        assert fingerprint(view) == before
        change()
        assert fingerprint(view) != before


def test_odd_lengths_and_small_dtypes():
    for dtype in (onp.float16, onp.float32, onp.complex64, onp.longdouble):
        x = onp.ones(SMALL_BYTES + 3, dtype)
        before = fingerprint(x)
        x[-1] = 2.0
        assert fingerprint(x) != before


def test_nan_is_equal_to_itself():
    x = onp.full(3000, onp.nan)
    assert onp.isnan(grad(lambda x: np.sum(x**2))(x)).all()
