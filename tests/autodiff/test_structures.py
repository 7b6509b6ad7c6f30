"""Functions of and to nested lists, tuples and dicts, under every operator."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    check_grads,
    elementwise_grad,
    grad,
    grad_and_aux,
    hessian,
    hvp,
    jacobian,
    jvp,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    value_of,
    vjp,
)
from ddtrain.errors import DerivativeError

X = onp.array([0.3, -0.8])
PARAMS = {"w": onp.array([[1.0, 2.0], [0.5, -1.0]]), "b": [0.5, (X,)]}


def several(p):
    h = np.tanh(p["w"] @ X + p["b"][1][0])
    return {"h": h, "n": 3, "rest": (p["b"][0] * h.sum(), [h * 2.0], "name")}


def test_results_come_back_in_their_structure_without_boxes():
    value, _ = vjp(several, PARAMS)
    plain = several(PARAMS)
    assert value.keys() == plain.keys()
    assert (value["n"], value["rest"][2]) == (3, "name")
    assert isinstance(value["rest"], tuple)
    assert type(value["h"]) is onp.ndarray
    onp.testing.assert_array_equal(value["rest"][1][0], plain["rest"][1][0])


def test_the_derivatives_of_a_structure_are_those_of_its_parts():
    g = {"h": onp.array([1.0, -2.0]), "n": 0, "rest": (0.5, [onp.array([3.0, 1.0])], "")}
    (together,) = vjp(several, PARAMS)[1](g)

    def weighed(p):
        out = several(p)
        return (out["h"] * g["h"]).sum() + out["rest"][0] * 0.5 + (out["rest"][1][0] * g["rest"][1][0]).sum()

    alone = grad(weighed)(PARAMS)
    onp.testing.assert_allclose(together["w"], alone["w"], rtol=1e-14)
    onp.testing.assert_allclose(together["b"][1][0], alone["b"][1][0], rtol=1e-14)


def test_to_third_order_in_both_modes():
    check_grads(lambda p: {k: v for k, v in several(p).items() if k != "n"}["rest"][:2], order=3)(PARAMS)


def test_pushed_and_pulled_agree():
    v = {"w": onp.ones((2, 2)), "b": [1.0, (onp.array([1.0, -1.0]),)]}
    _, tangent = make_jvp(several)(PARAMS)(v)
    by_rows = jacobian(lambda p: several(p)["h"])(PARAMS)
    expected = onp.einsum("ijk,jk->i", by_rows["w"], v["w"]) + by_rows["b"][0] + by_rows["b"][1][0] @ v["b"][1][0]
    onp.testing.assert_allclose(tangent["h"], expected, rtol=1e-13)


def test_jacobian_nests_result_over_argument():
    rows = jacobian(lambda x, y: {"s": x * y, "t": [x.sum()]}, (0, 1))(X, 2 * X)
    onp.testing.assert_allclose(rows["s"][0], onp.diag(2 * X))
    onp.testing.assert_allclose(rows["s"][1], onp.diag(X))
    onp.testing.assert_allclose(rows["t"][0][0], [1.0, 1.0])
    onp.testing.assert_array_equal(rows["t"][0][1], [0.0, 0.0])


def test_hessian_of_a_structure_has_every_block():
    blocks = hessian(lambda p: p["a"] ** 2 * p["b"][0].sum())({"a": 3.0, "b": [X]})
    onp.testing.assert_allclose(blocks["a"]["a"], 2 * X.sum())
    onp.testing.assert_allclose(blocks["a"]["b"][0], [6.0, 6.0])
    onp.testing.assert_allclose(blocks["b"][0]["a"], [6.0, 6.0])
    onp.testing.assert_array_equal(blocks["b"][0]["b"][0], onp.zeros((2, 2)))


def test_curvature_products_of_structures():
    f = lambda p: np.sum(np.sin(p["a"]) * p["b"][0])
    p, v = {"a": X, "b": [2 * X]}, {"a": onp.ones(2), "b": [X]}
    product = hvp(f, (p,), v)
    onp.testing.assert_allclose(product["a"], -onp.sin(X) * 2 * X + onp.cos(X) * X, rtol=1e-13)
    onp.testing.assert_allclose(product["b"][0], onp.cos(X), rtol=1e-13)
    onp.testing.assert_allclose(make_hvp(f)(p)[0](v)["a"], product["a"])
    j = jacobian(lambda a: np.exp(a["x"]))({"x": X})["x"]
    onp.testing.assert_allclose(make_ggnvp(lambda a: {"y": np.exp(a["x"])})({"x": X})({"x": X})["x"], j.T @ j @ X)


def test_a_function_may_build_index_and_append():
    def grown(x):
        parts = [x]
        for k in range(3):
            parts.append(parts[-1] * x + k)
        return sum({"all": parts[1:]}["all"])

    # x^2, x^3 + 1, x^4 + x + 2
    assert grad(grown)(0.7) == pytest.approx(2 * 0.7 + 3 * 0.7**2 + 4 * 0.7**3 + 1)
    check_grads(grown, order=3)(0.7)


def test_ones_reach_every_leaf():
    g = elementwise_grad(lambda p: [p[0] ** 2, p[0] * p[1]])((X, 3 * X))
    onp.testing.assert_allclose(g[0], 2 * X + 3 * X)


def test_aux_values_leave_the_trace():
    g, aux = grad_and_aux(lambda x: (np.sum(x**2), {"x": x, "square": x**2, "note": "kept", "n": None}))(X)
    assert type(aux["square"]) is onp.ndarray
    assert (aux["note"], aux["n"]) == ("kept", None)
    onp.testing.assert_allclose(g, 2 * X)
    inner = lambda x: np.sum(grad_and_aux(lambda y: (np.sum(y**3), y * 2))(x)[1] ** 2)
    onp.testing.assert_allclose(grad(inner)(X), 8 * X)  # under an outer trace, aux is a value like any other


def test_structures_through_nested_traces():
    inner = lambda x: vjp(lambda y: (y**2, [y * x]), x)[1]((1.0, [2.0]))[0]  # 2 x + 2 x
    assert grad(inner)(3.0) == 4.0
    assert jvp(inner, (3.0,), (1.0,))[1] == 4.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_vjp(lambda x: [x, x])(X)[0]([X]), "returned 2 leaves, but the cotangent has 1"),
        (lambda: make_vjp(lambda x: [x, x])(X)[0]([X, onp.ones(3)]), r"cotangent has shape \(3,\) but the result of"),
        (lambda: make_vjp(lambda x: x)(X)[0](onp.ones((4, 2))), r"cotangent has shape \(4, 2\) but the result of"),
        (lambda: grad(lambda x: [x])(X), "returned a list, but a gradient needs a scalar"),
        (lambda: grad(lambda x: None)(X), "returned None, not an array of numbers\n.*return?"),
    ],
)
def test_misfits(call, message):
    with pytest.raises(DerivativeError, match=message):
        call()


def test_values_of_closed_over_traces_pass_through():
    def outer(x):
        value, pull = vjp(lambda y: {"a": y * x, "b": x}, 2.0)
        return value["a"] * pull({"a": 1.0, "b": 1.0})[0] + value["b"]  # 2 x * x + x

    assert grad(outer)(3.0) == 13.0
    assert value_of(outer(3.0)) == 21.0
