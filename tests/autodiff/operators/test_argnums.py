"""Bad input: one clear error each, naming function, argument, shapes and remedy."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    deriv,
    elementwise_grad,
    grad,
    grad_named,
    make_jvp,
)
from ddtrain.errors import DerivativeError, ShapeError

X = onp.array([0.3, -0.8])


def loss(x, y=1.0):
    return np.sum(x**2) * y


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grad(np.tanh)(X), r"tanh returned shape \(2,\), but a gradient needs a scalar\n +Sum it, or use jac"),
        (lambda: grad(loss)(onp.arange(3)), r"argument 0 of loss, of dtype int64, shape \(3,\)\n.*x.astype\(float\)"),
        (lambda: grad(loss)(3), r"argument 0 of loss, of dtype int64, shape \(\)"),
        (lambda: grad(loss)([1.0, {"k": True}]), r"argument 0\[1\]\['k'\] of loss, of dtype bool"),
        (lambda: grad(loss, (1, 0))(X, 2), "argument 1 of loss, of dtype int64"),
        (lambda: grad(loss)(onp.array([1.0, None])), "argument 0 of loss, of dtype object.*\n.*Pass arrays of numbers"),
        (lambda: grad(loss)("text"), "argument 0 of loss, of dtype <U4"),
        (lambda: grad(loss, 2)(X), "argnum 2, but loss was called with 1 arguments\n.*by position"),
        (lambda: grad(loss)(x=X), "argnum 0, but loss was called with 0 arguments"),
        (lambda: grad(loss, "x")(X), "argnum 'x' is neither a position nor a sequence of positions\n.*grad_named"),
        (lambda: grad_named(loss, "z"), "loss has no argument 'z', only x, y"),
        (lambda: elementwise_grad(lambda x: x * 1j)(X), "returned complex numbers\n.*holomorphic_grad"),
        (
            lambda: deriv(lambda x: x)(1),
            r"deriv: .* argument 0 of the lambda of test_argnums.py:\d+",
        ),
        (lambda: make_jvp(loss)(X)("ab"), r"jvp: the tangent has dtype <U2"),
    ],
)
def test_misuse(call, message):
    with pytest.raises(DerivativeError, match=message):
        call()


def test_argnums_as_numpy_counts_them():
    f = lambda x, y: np.sum(x * y)
    onp.testing.assert_array_equal(grad(f, -1)(X, 2 * X), X)
    onp.testing.assert_array_equal(grad(f, onp.int64(1))(X, 2 * X), X)
    assert isinstance(grad(f, [0, 1])(X, X), tuple)


def test_assignment_into_a_traced_array():
    def assigns(x):
        x[0] = 1.0
        return np.sum(x)

    with pytest.raises(
        DerivativeError,
        match=r"assignment into an array under a trace, of shape \(2,\)\n.*np.where.*in assigns, test_argnums.py:\d+",
    ):
        grad(assigns)(X)


def test_truth_of_several_entries_names_line_and_shape():
    def branches(x):
        return np.sum(x) if x else x

    with pytest.raises(ValueError, match=r"branches on the truth .* shape \(2,\)\n.*np.any.*test_argnums.py:\d+"):
        grad(branches)(X)
    assert grad(lambda x: x * 2 if x else x)(1.0) == 2.0  # one entry: Python's own business


@pytest.mark.parametrize("operator", [grad, lambda f: make_jvp(f)(X)])
def test_a_branch_on_a_comparison_of_several_entries_names_function_argument_and_shape(operator):
    def branches(x):
        return np.sum(x) if x > 0 else -np.sum(x)

    message = r"branches branches in Python.*\(argument 0 of branches, shape \(2,\)\)\n.*np.where.*test_argnums.py:\d+"
    with pytest.raises(ShapeError, match=message):
        operator(branches)(X)


def test_masks_and_matrices_are_refused():
    with pytest.warns(PendingDeprecationWarning):
        matrix = onp.matrix(X)
    for x, kind in ((onp.ma.array(X, mask=[True, False]), "MaskedArray"), (matrix, "matrix")):
        with pytest.raises(DerivativeError, match=f"argument 0 of loss is a {kind}"):
            grad(loss)(x)


def test_one_entry_is_a_scalar_of_any_shape():
    onp.testing.assert_array_equal(grad(lambda x: x * np.ones((1, 1)))(2.0), 1.0)
    onp.testing.assert_array_equal(grad(lambda x: x**2)(onp.array([3.0])), [6.0])


def test_a_traced_value_put_into_a_plain_array_is_named():
    def fill(x):
        y = onp.zeros(2)
        y[0] = x[0]
        return y[0]

    with pytest.raises(DerivativeError, match="fill puts a traced value into a plain array") as caught:
        grad(fill)(onp.ones(2))
    assert "np.stack" in caught.value.remedy
