"""Rules that are missing, or return what does not fit: named, with the line that would add them."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    defvjp,
    grad,
    jacobian,
    jvp,
    primitive,
)
from ddtrain.autodiff.core.primitives import PRIMITIVES
from ddtrain.errors import DerivativeError


def test_a_rule_that_is_missing_names_the_function_that_needs_it():
    before = len(PRIMITIVES)
    half = primitive(lambda x: x / 2, name="half")
    del PRIMITIVES[before:]

    def uses(x):
        return half(x)

    with pytest.raises(DerivativeError, match=r"half has no VJP rule for argument 0\n.*defvjp\(half, .*in uses"):
        grad(uses)(1.0)
    with pytest.raises(DerivativeError, match=r"half has no VJP .*\n.*in the lambda of test_rules.py:\d+"):
        jacobian(jacobian(lambda x: half(x)))(1.0)


def test_a_rule_that_returns_another_shape_is_named():
    before = len(PRIMITIVES)
    wrong = primitive(lambda x: x * 1.0, name="wrong")
    del PRIMITIVES[before:]
    defvjp(wrong, lambda g, ans, x: onp.ones(5))
    with pytest.raises(
        DerivativeError, match=r"wrong: the VJP rule of argument 0 returned shape \(5,\) for shape \(2,\)"
    ):
        grad(lambda x: np.sum(wrong(x)))(onp.ones(2))


@pytest.fixture
def declare():
    """``primitive``, taken out of the registry again after the test."""
    before = len(PRIMITIVES)
    yield primitive
    del PRIMITIVES[before:]


def test_missing_rule_names_the_line_that_would_add_it(declare):
    twice = declare(lambda x, y: 2 * x * y, name="twice")
    defvjp(twice, lambda g, ans, x, y: 2 * g * y)
    assert grad(twice)(1.0, 3.0) == 6.0
    with pytest.raises(DerivativeError, match=r"twice has no VJP rule for argument 1\n.*defvjp\(twice, None, lambda"):
        grad(twice, 1)(1.0, 3.0)
    with pytest.raises(DerivativeError, match="twice has no JVP rule for argument 0"):
        jvp(lambda x: twice(x, 3.0), (1.0,), (1.0,))
