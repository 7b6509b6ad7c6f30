"""``const_graph``: repeats what it saw, differentiates like the function, and checks what it assumed."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad, hessian, jvp
from ddtrain.errors import DerivativeError
from ddtrain.plan import const_graph

X = onp.array([[0.3, -0.8], [1.0, 0.2]])


def counted(fun):
    calls = []

    def call(*args):
        calls.append(len(args))
        return fun(*args)

    call.calls = calls
    return call


def test_python_runs_once():
    f = counted(lambda a, x, p: {"y": np.tanh(a * x) @ p["w"], "n": 3})
    g = const_graph(f, 2.0)
    for scale in (1.0, -3.0):
        again = g(scale * X, {"w": X})
        onp.testing.assert_array_equal(again["y"], onp.tanh(2 * scale * X) @ X)
        assert again["n"] == 3
    assert f.calls == [3]


def test_differentiates_like_the_function():
    f = counted(lambda x: np.sum(np.where(x > 0, x**3, np.sin(x))))
    g = const_graph(f)
    onp.testing.assert_allclose(grad(g)(X), grad(f)(X))
    onp.testing.assert_allclose(grad(g)(-X), grad(f)(-X))  # the comparison is a part of the program
    onp.testing.assert_allclose(hessian(g)(2 * X), hessian(f)(2 * X))
    assert jvp(g, (X,), (X,))[1] == pytest.approx(jvp(f, (X,), (X,))[1])
    calls = len(f.calls)
    check_grads(g)(X)
    assert len(f.calls) == calls


def test_first_called_under_a_trace():
    g = const_graph(lambda x: np.sum(x**2))
    onp.testing.assert_array_equal(grad(g)(X), 2 * X)
    onp.testing.assert_array_equal(grad(g)(3 * X), 6 * X)
    assert g(X) == onp.sum(X**2)


def test_fused_operations_and_gradients_inside():
    w = onp.ones((2, 3))
    step = const_graph(lambda w, x: w - 0.1 * grad(lambda w: np.sum(ops.linear(x, w) ** 2))(w))
    for x in (X, -2 * X):
        onp.testing.assert_allclose(step(w, x), w - 0.2 * x.T @ (x @ w), rtol=1e-13)


def test_a_branch_names_its_line():
    with pytest.raises(
        ValueError, match=r"branches on the truth .* repeated for other values\n.*test_const_graph.py:\d+"
    ):
        const_graph(lambda x: x if x > 0 else -x)(1.0)
    with pytest.raises(ValueError, match="branches"):
        const_graph(lambda x: max(x, 0.0))(1.0)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((X[0], 1), r"argument 0 of .* changed: float64 \(2, 2\) at the first call, now float64 \(2,\)"),
        ((X.astype(onp.float32), 1), r"argument 0 .* now float32 \(2, 2\)"),
        ((X, 2), "argument 1 of .* changed: 1 at the first call, now 2"),
        ((X, 1.0), "argument 1 .* changed: a constant at the first call, now float64"),
        (([X], 1), r"the arguments of .* changed: leaves \[0\], \[1\] at the first call, now leaves \[0\]\[0\], \[1\]"),
    ],
)
def test_what_it_assumes_is_checked(args, message):
    g = const_graph(lambda x, n: x * n)
    g(X, 1)
    with pytest.raises(DerivativeError, match=message):
        g(*args)


def test_a_traced_constant_would_go_stale():
    with pytest.raises(DerivativeError, match="uses a traced value that is not among its arguments"):
        grad(lambda a: const_graph(lambda x: a * x)(2.0))(3.0)
