"""``vectorize`` with NumPy's options, with nothing traced, with a traced argument, and around a traced value."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, vjp

X, Y = onp.array([1.0, 2.0, 3.0]), onp.array([3.0, -1.0, 1.0])

CALLS = {
    "otypes": lambda v, x: v(lambda a: a * 1.5, otypes=[float])(x),
    "otypes as letters": lambda v, x: v(lambda a: (a * 1.5, a), otypes="fd")(x),
    "whole otypes": lambda v, x: v(lambda a: a * 1.5, otypes=[int])(x),
    "keyword array": lambda v, x: v(lambda a, b: a * b if b > 0 else a)(x, b=Y),
    "all by keyword": lambda v, x: v(lambda a, b: a * b)(b=Y, a=x),
    "excluded by position": lambda v, x: v(lambda a, p: a * p[0], excluded={1})(x, [2.0, 3.0]),
    "excluded by name": lambda v, x: v(lambda a, p: a * p[0], excluded={"p"})(x, p=[2.0, 3.0]),
    "cache": lambda v, x: v(lambda a: a**2, cache=True)(x),
    "nothing": lambda v, x: v(lambda a: a * 2, otypes=[float])(x[:0]),
    "signature": lambda v, x: v(lambda a, b: (a * b).sum(), signature="(n),(n)->()")(x * onp.ones((2, 3)), Y),
    "signature, vectors": lambda v, x: v(lambda a: a[:2] * a[1:], signature="(n)->(m)")(x * onp.ones((2, 1, 3))),
    "signature, matrices": lambda v, x: v(lambda m, a: m @ a, signature="(i,j),(j)->(i)")(onp.ones((2, 2, 3)), x),
    "decorator": lambda v, x: v(otypes=[float])(lambda a: a * 2)(x),
    "broadcast": lambda v, x: v(lambda a, b: a * b)(x, Y[:, None]),
    "number": lambda v, x: v(lambda a: a * a)(x[0]),
}


def parts(result):
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_options_are_numpys(call):
    expected = parts(call(onp.vectorize, X))
    traced = vjp(lambda x: parts(call(np.vectorize, x)), X)[0]
    for ours in (parts(call(np.vectorize, X)), traced):
        for a, b in zip(ours, expected, strict=True):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            onp.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "name", [name for name in CALLS if name not in ("otypes as letters", "whole otypes", "nothing")]
)
def test_options_keep_the_derivative(name):
    check_grads(lambda x: CALLS[name](np.vectorize, x))(X)


def test_a_function_around_a_traced_value():
    assert grad(lambda t: np.sum(np.vectorize(lambda a: a * t)(X)))(2.0) == 6.0
    assert grad(lambda t: np.sum(np.vectorize(lambda a: a * t if a > 1 else a)(X)))(2.0) == 5.0


def test_it_is_called_as_numpys_is_called():
    @np.vectorize
    def half(a):
        """Half of it."""
        return a / 2

    assert half.__doc__ == "Half of it."
    assert half.__name__ == "half"
    onp.testing.assert_array_equal(half(X), X / 2)
    assert np.vectorize(abs, doc="Size.").__doc__ == "Size."
    with pytest.raises(ValueError, match="Invalid otype"):
        np.vectorize(abs, otypes="?!")
    with pytest.raises(ValueError, match="size 0"):
        np.vectorize(abs)(X[:0])
