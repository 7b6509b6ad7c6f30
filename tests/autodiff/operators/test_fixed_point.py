"""``fixed_point``: against closed forms, in both modes, again, and where it must refuse."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, fixed_point, grad, hessian, jacobian, jvp
from ddtrain.errors import DdtrainError, DerivativeError


def near(x, y):
    return np.abs(x - y)


def root(a):
    return fixed_point(lambda a: lambda x: 0.5 * (x + a / x), a, 1.0, near, 1e-13)


def test_square_root_to_third_order():
    assert root(2.0) == pytest.approx(2**0.5)
    assert grad(root)(2.0) == pytest.approx(0.5 * 2**-0.5)
    assert grad(grad(root))(2.0) == pytest.approx(-0.25 * 2**-1.5)
    assert grad(grad(grad(root)))(2.0) == pytest.approx(0.375 * 2**-2.5)
    assert jvp(grad(root), (2.0,), (1.0,))[1] == pytest.approx(-0.25 * 2**-1.5)
    check_grads(root, order=3)(2.0)


def test_structures_and_a_slow_contraction():
    rng = onp.random.default_rng(0)
    m = rng.standard_normal((3, 3))
    params = {"m": 0.9 * m / onp.linalg.norm(m, 2), "b": [rng.standard_normal(3), "kept", 2]}

    def solve(p):  # x = m x + b, halves of it in two leaves
        def step(p):
            return lambda x: {"x": p["m"] @ x["x"] + p["b"][0], "half": 0.5 * x["x"]}

        start = {"x": onp.zeros(3), "half": onp.zeros(3)}
        return fixed_point(step, p, start, lambda s, t: max(np.max(np.abs(s[k] - t[k])) for k in s), 1e-14)

    exact = lambda m, b: np.linalg.solve(np.eye(3) - m, b)
    at = lambda m, b: solve({"m": m, "b": [b, "kept", 2]})["half"] * 2
    for argnum in (0, 1):
        args = params["m"], params["b"][0]
        onp.testing.assert_allclose(jacobian(at, argnum)(*args), jacobian(exact, argnum)(*args), rtol=1e-9)
    check_grads(at)(*args)
    square = lambda f: lambda b: np.sum(f(args[0], b) ** 2)
    onp.testing.assert_allclose(hessian(square(at))(args[1]), hessian(square(exact))(args[1]), rtol=1e-9)


def test_the_start_does_not_matter():
    solve = lambda x0: fixed_point(lambda a: lambda x: 0.5 * np.cos(x) + a, 0.3, x0, near, 1e-13)
    assert grad(solve)(1.0) == 0.0
    assert solve(1.0) == pytest.approx(solve(-2.0))


def test_divergence_and_wandering_end(monkeypatch):
    diverges = r"does not converge: its last step moved by (inf|nan).*\n.*contraction"
    with pytest.raises(DdtrainError, match=diverges), onp.errstate(all="ignore"):
        fixed_point(lambda a: lambda x: a * x * x, 2.0, 3.0, near, 1e-6)
    monkeypatch.setattr("ddtrain.autodiff.operators.fixed_point.MAX_STEPS", 100)
    with pytest.raises(DdtrainError, match=r"moved by 2, more than tol 1e-06"):
        fixed_point(lambda a: lambda x: -x, 0.0, 1.0, near, 1e-6)


def test_closing_over_a_traced_value():
    with pytest.raises(DerivativeError, match="traced value that did not come through its argument"):
        grad(lambda b: fixed_point(lambda a: lambda x: a * x + b, 0.5, 1.0, near, 1e-9))(1.0)
