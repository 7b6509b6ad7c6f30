"""Bad input: one clear error each, naming function, argument, shapes and remedy."""

import functools
import threading
from typing import ClassVar

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    PRIMITIVES,
    defvjp,
    deriv,
    elementwise_grad,
    grad,
    grad_named,
    jacobian,
    make_jvp,
    make_vjp,
    primitive,
    vjp,
)
from ddtrain.autodiff.core.mutation_check import SMALL_BYTES, fingerprint
from ddtrain.errors import DerivativeError, ShapeError

X = onp.array([0.3, -0.8])
TABLE = onp.ones(2)


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


def test_a_rule_that_is_missing_names_the_function_that_needs_it():
    before = len(PRIMITIVES)
    half = primitive(lambda x: x / 2, name="half")
    del PRIMITIVES[before:]

    def uses(x):
        return half(x)

    with pytest.raises(DerivativeError, match=r"half has no VJP rule for argument 0\n.*defvjp\(half, .*in uses"):
        grad(uses)(1.0)
    with pytest.raises(DerivativeError, match=r"half has no VJP .*\n.*in the lambda of test_argnums.py:\d+"):
        jacobian(jacobian(lambda x: half(x)))(1.0)


def test_one_entry_is_a_scalar_of_any_shape():
    onp.testing.assert_array_equal(grad(lambda x: x * np.ones((1, 1)))(2.0), 1.0)
    onp.testing.assert_array_equal(grad(lambda x: x**2)(onp.array([3.0])), [6.0])


class TestMutatedArguments:
    """Note [Mutated arguments]"""

    def test_a_function_that_writes_to_its_argument(self):
        w = X.copy()

        def writes(x):
            y = x**2
            w[0] = 5.0  # x is w
            return np.sum(y)

        with pytest.raises(DerivativeError, match=r"argument 0 of writes, shape \(2,\), was written to.*\n.*copy"):
            grad(writes)(w)

    def test_an_update_before_the_walk_back(self):
        params = {"w": X.copy(), "b": X.copy()}
        pull, _ = make_vjp(lambda p: np.sum(p["w"] * p["b"]))(params)
        pull(1.0)
        params["w"] -= 0.1
        with pytest.raises(DerivativeError, match=r"vjp: argument 0\['w'\] of the lambda"):
            pull(1.0)

    def test_a_write_through_another_view(self):
        flat = onp.zeros(6)
        _, pull = vjp(lambda x: np.sum(x**2), flat[:4].reshape(2, 2).T)
        flat[3] = 1.0
        with pytest.raises(DerivativeError, match="was written to"):
            pull(1.0)

    @pytest.mark.parametrize("n", [3, 5000])
    @pytest.mark.parametrize("layout", [lambda x: x, lambda x: x[::2], lambda x: x.reshape(-1, 1).T[:, ::-1]])
    def test_every_change_is_seen(self, n, layout):
        rng = onp.random.default_rng(0)
        x = rng.standard_normal(4 * n)
        view = layout(x)
        changes = [
            lambda: view.__setitem__((..., 1), 7.0),
            lambda: view.__setitem__((..., slice(None, None, -1)), view.copy()),
            lambda: view.sort(),
            lambda: view.__imul__(1 + 1e-15),
            lambda: view.__setitem__((..., -1), onp.nan),
        ]
        for change in changes:
            before = fingerprint(view)
            assert fingerprint(view) == before
            change()
            assert fingerprint(view) != before

    def test_odd_lengths_and_small_dtypes(self):
        for dtype in (onp.float16, onp.float32, onp.complex64, onp.longdouble):
            x = onp.ones(SMALL_BYTES + 3, dtype)
            before = fingerprint(x)
            x[-1] = 2.0
            assert fingerprint(x) != before

    def test_nan_is_equal_to_itself(self):
        x = onp.full(3000, onp.nan)
        assert onp.isnan(grad(lambda x: np.sum(x**2))(x)).all()

    def test_arguments_stay_writeable_and_threads_share_them(self):
        w = onp.ones(1000)
        results = []
        run = lambda: results.append([grad(loss)(w).sum() for _ in range(20)])
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert results == [[2000.0] * 20] * 4
        w += 1.0

    def test_what_is_not_differentiated_may_change(self):
        buffer = onp.ones(2)

        def uses(x, data):
            data -= data.mean()
            return np.sum(x * data)

        grad(uses)(X, buffer)
        jacobian(lambda x: x * 2.0)(X)

    def test_a_buffer_may_be_filled_anew_until_it_is_used(self):
        buffer, history = onp.zeros(2), onp.zeros((3, 2))

        def uses(x):
            buffer[:] = [3.0, 4.0]
            total = np.sum(x * buffer)
            for k in range(3):
                history[k] = k
                total = total + np.sum(x * history[k])  # a part that is not written to again
                buffer[:] = k
                total = total + np.sum(x + buffer)  # whose rule does not ask what was added
            buffer[:] = [3.0, 4.0]
            return total

        onp.testing.assert_array_equal(grad(uses)(X), [9.0, 10.0])
        onp.testing.assert_array_equal(jacobian(lambda x: x * uses(x))(X * 0), 6.0 * onp.eye(2))

    @pytest.mark.parametrize("n", [2, 5000])
    def test_what_a_step_used_may_not_change(self, n):
        x, own, kept = onp.ones(n), onp.ones(n), [onp.ones(n)]

        def writes(x, data):
            total = np.sum(x * data)
            data *= 2.0
            return total

        def writes_part(x):
            total = np.sum(x * own[::-1] + np.exp(x))
            own[:] = 0.0
            return total

        def writes_entry(x):
            total = np.sum(x**2 * kept[0])
            kept[0] -= 1.0
            return total

        for call, name in (
            (lambda: grad(writes)(x, onp.ones(n)), "argument 1 of writes"),
            (lambda: grad(writes)(x, data=onp.ones(n)), "'data' of writes"),
            (lambda: grad(writes_part)(x), "'own' of writes_part"),
            (lambda: jacobian(jacobian(writes_entry))(x[:2] if n == 2 else x[:1]), "'kept' of writes_entry"),
        ):
            with pytest.raises(
                DerivativeError, match=rf"{name}, shape \({n},\), was written to after multiply used it"
            ):
                call()

    def test_positions_may_not_change(self):
        index = onp.array([1, 0, 1])

        def writes(x):
            total = np.sum(x[index] * X[0])
            index[:] = 1
            return total

        with pytest.raises(DerivativeError, match=r"'index' of writes, shape \(3,\), .* after getitem used it"):
            grad(writes)(X)

    @pytest.mark.parametrize("n", [2, 5000])
    def test_an_array_may_come_from_anywhere(self, n):
        class Layer:
            scale = onp.ones(n)
            nested: ClassVar = {"deep": [onp.ones(n)]}

        def local(x):
            buffer = onp.ones(n)
            y = x * buffer
            buffer[:] = 0
            return np.sum(y)

        def deep(x):
            y = x * Layer.nested["deep"][0]
            Layer.nested["deep"][0] -= 1
            return np.sum(y)

        def attribute(layer, x):
            y = x * layer.scale
            layer.scale *= 0.5
            return np.sum(y)

        def rows(x):
            index = onp.arange(n)
            y = np.reshape(x, (1, n))[:, index] * onp.arange(n)
            index[0] = 1
            return np.sum(y)

        for fun in (local, deep, functools.partial(attribute, Layer()), rows):
            with pytest.raises(DerivativeError, match=rf"an array of .*, shape \({n},\), was written to after"):
                grad(fun)(onp.ones(n))

    def test_what_is_written_before_it_is_used_is_right(self):
        def fills(x):
            total = 0.0
            for k in range(3):
                buffer = onp.empty(2)
                buffer[:] = k
                total = total + np.sum(x * buffer)
            return total

        onp.testing.assert_array_equal(grad(fills)(X), [3.0, 3.0])

    def test_an_array_of_the_module_and_a_late_walk_back(self):
        pull, _ = make_vjp(lambda x: np.sum(x * TABLE))(X)
        pull(1.0)
        TABLE[0] += 1.0
        with pytest.raises(DerivativeError, match="'TABLE' of the lambda"):
            pull(1.0)


def test_a_traced_value_put_into_a_plain_array_is_named():
    def fill(x):
        y = onp.zeros(2)
        y[0] = x[0]
        return y[0]

    with pytest.raises(DerivativeError, match="fill puts a traced value into a plain array") as caught:
        grad(fill)(onp.ones(2))
    assert "np.stack" in caught.value.remedy


def test_a_rule_that_returns_another_shape_is_named():
    before = len(PRIMITIVES)
    wrong = primitive(lambda x: x * 1.0, name="wrong")
    del PRIMITIVES[before:]
    defvjp(wrong, lambda g, ans, x: onp.ones(5))
    with pytest.raises(
        DerivativeError, match=r"wrong: the VJP rule of argument 0 returned shape \(5,\) for shape \(2,\)"
    ):
        grad(lambda x: np.sum(wrong(x)))(onp.ones(2))
