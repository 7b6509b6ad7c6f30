"""Arrays that are written to between the walk forward and the walk back, where a rule would read them."""

import functools
import threading
from typing import ClassVar

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import (
    grad,
    jacobian,
    make_vjp,
    vjp,
)
from ddtrain.errors import DerivativeError

X = onp.array([0.3, -0.8])
TABLE = onp.ones(2)


def loss(x, y=1.0):
    return np.sum(x**2) * y


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
