"""``r_`` and ``c_``: NumPy's values and dtypes, and derivatives, for everything that brackets can join."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, vjp
from ddtrain.errors import DerivativeError

V = 0.5 + onp.random.default_rng(4).random(4)
JOINED = {
    "r_": [
        lambda r_, x: r_[x, 1.0, x],
        lambda r_, x: r_[x, 0:3, 0:1:4j],
        lambda r_, x: r_[x],
        lambda r_, x: r_["0,2", x, x],
        lambda r_, x: r_["1,2,0", x, [1, 2, 3, 4]],
        lambda r_, x: r_["-1", x[None], x[None]],
        lambda r_, x: r_[[x[0], 2.0], x[1], 3],
    ],
    "c_": [lambda c_, x: c_[x, x, 0:4], lambda c_, x: c_[x[:, None], [[1.0]] * 4], lambda c_, x: c_[x]],
}


@pytest.mark.parametrize(("name", "call"), [(n, c) for n, calls in JOINED.items() for c in calls])
def test_joining_by_brackets(name, call):
    x = V
    onp.testing.assert_array_equal(call(getattr(np, name), x), call(getattr(onp, name), x))
    value = vjp(lambda x: call(getattr(np, name), x), x)[0]
    onp.testing.assert_array_equal(value, call(getattr(onp, name), x))
    check_grads(lambda x: call(getattr(np, name), x))(x)
    single = V.astype("f4")
    assert vjp(lambda x: call(getattr(np, name), x), single)[0].dtype == call(getattr(onp, name), single).dtype


def test_what_brackets_cannot_join():
    check_grads(lambda x: np.r_[x : 2 * x : 3j])(0.7)
    with pytest.raises(DerivativeError, match=r"traced end.*\n.*imaginary step"):
        grad(lambda x: np.sum(np.r_[0:x]))(3.0)
    with pytest.raises(DerivativeError, match=r"r_: 'r' makes a matrix"):
        grad(lambda x: np.sum(np.r_["r", x, x]))(V)
