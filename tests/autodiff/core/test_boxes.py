"""Boxes: results are arrays, also where NumPy would give a number, and objects are no values."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import Box, defvjp, grad, jvp, primitive, value_of
from ddtrain.autodiff.core.boxes import box
from ddtrain.autodiff.core.primitives import PRIMITIVES
from ddtrain.errors import DerivativeError


@pytest.fixture
def declare():
    """``primitive``, taken out of the registry again after the test."""
    before = len(PRIMITIVES)
    yield primitive
    del PRIMITIVES[before:]


def test_results_are_arrays_also_when_0d():
    seen = []
    grad(lambda x: (seen.append(x * 2), np.sum(x * 2))[1])(1.0)
    assert isinstance(seen[0], Box)
    assert type(value_of(seen[0])) is onp.ndarray
    assert type(grad(np.sin)(1.0)) is onp.ndarray
    assert type(jvp(np.sin, (1.0,), (1.0,))[1]) is onp.ndarray


def test_objects_cannot_be_traced(declare):
    odd = declare(lambda x: onp.array([None, x], object), name="odd")
    defvjp(odd, lambda g, ans, x: g)
    with pytest.raises(DerivativeError, match="arrays of objects"):
        box(onp.array([None]).tolist(), None, None)
