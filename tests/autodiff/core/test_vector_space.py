"""Fitting cotangents to shapes and dtypes: ``match`` and ``spread`` are transposes."""

import numpy as onp
import pytest

from ddtrain.autodiff.core.vector_space import match, spread

SHAPES = [
    ((), (2,)),
    ((1,), (3,)),
    ((3, 1), (4, 3, 2)),
    ((1, 1), (2, 1)),
    ((2, 3), (2, 3)),
    ((1,), (0,)),
    ((0, 1), (0, 4)),
]


@pytest.mark.parametrize(("small", "large"), SHAPES)
def test_match_and_spread_are_transposes(small, large):
    rng = onp.random.default_rng(0)
    x, g = rng.standard_normal(small), rng.standard_normal(large)
    matched = match(g, small, onp.dtype(float))
    assert matched.shape == small
    onp.testing.assert_allclose(onp.sum(spread(x, large, onp.dtype(float)) * g), onp.sum(x * matched), atol=1e-12)


def test_dtypes():
    assert match(onp.ones(2), (2,), onp.dtype(onp.float32)).dtype == onp.float32
    onp.testing.assert_array_equal(match(onp.array([1 + 2j]), (1,), onp.dtype(float)), [1.0])
    assert spread(onp.ones(()), (2,), onp.dtype(complex)).dtype == complex


def test_a_cotangent_that_cannot_fit():
    with pytest.raises(ValueError, match=r"cotangent of shape \(2,\) does not fit a value of shape \(3,\)"):
        match(onp.ones(2), (3,), onp.dtype(float))
