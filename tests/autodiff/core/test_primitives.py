"""Boxes, traces and primitives: nesting, threads, and what a misuse is told."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad, primitive
from ddtrain.autodiff.core.primitives import PRIMITIVES
from ddtrain.errors import DerivativeError


@pytest.fixture
def declare():
    """``primitive``, taken out of the registry again after the test."""
    before = len(PRIMITIVES)
    yield primitive
    del PRIMITIVES[before:]


def test_an_exception_leaves_nothing_behind():
    def fails(x):
        grad(lambda y: 1 / (y - y).nothing)(x)

    with pytest.raises(AttributeError):
        grad(fails)(1.0)
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0


def test_traced_keyword(declare):
    with pytest.raises(DerivativeError, match=r"keyword argument 'y' is traced.*\n.*Pass y by position"):
        grad(lambda x: declare(lambda x, y: x * y, name="times")(2.0, y=x))(1.0)


def test_ufunc_keywords_have_no_rule():
    with pytest.raises(DerivativeError, match="exp: where= has no derivative rule"):
        grad(lambda x: np.sum(np.exp(x, where=onp.array([True, False]))))(onp.ones(2))
    assert np.exp(onp.zeros(2), dtype=onp.float32).dtype == onp.float32  # nothing is traced: NumPy's own
